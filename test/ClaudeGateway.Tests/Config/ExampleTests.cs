using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Config;

public sealed class ExampleTests
{
    [Fact]
    public void The_example_configuration_is_read_without_a_word()
    {
        var environment = new ProcessEnvironment(new Dictionary<string, string>
        {
            ["OIDC_CLIENT_ID"] = "id",
            ["OIDC_CLIENT_SECRET"] = "secret",
            ["JWT_SECRET"] = new string('x', 64),
            ["DATABASE_URL"] = "postgres://gateway:secret@localhost/gateway",
            ["ANTHROPIC_API_KEY"] = "key",
            ["OTEL_TOKEN"] = "token",
        });
        var result = GatewayConfigReader.Read(Repository.File("examples/gateway.yaml"), environment);
        Assert.Empty(result.Errors);
        Assert.Empty(result.Warnings);
    }
}
