using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Dev;

/// <summary>
/// A gateway that does its job does not talk to an identity provider or a model on its own machine by mistake.
/// </summary>
public sealed class ServeRefusesLoopbackTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_configuration_of_dev_does_not_start_under_serve()
    {
        await using (var dev = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0"))
        {
            await dev.Output.LineAsync("forceLoginGatewayUrl");

            await using var serve = GatewayProcess.Start(
                _folder.Path, null, "serve", "--config", ".claude-gateway/gateway.yaml");
            Assert.Equal(1, await serve.ExitCodeAsync());
            Assert.Contains(
                "CLAUDE_GATEWAY_ALLOW_LOOPBACK", string.Join('\n', serve.Errors.Lines), StringComparison.Ordinal);
            Assert.DoesNotContain(serve.Errors.Lines, line => line.Contains("listening on", StringComparison.Ordinal));
        }
    }
}
