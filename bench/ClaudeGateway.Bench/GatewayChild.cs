using System.Globalization;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>
/// A gateway with one upstream of each kind at one address; says where it listens and gives a bearer, then serves until
/// its input ends; to each line it answers how many bytes it has allocated so far.
/// </summary>
internal static class GatewayChild
{
    public const string AnthropicModel = "claude-sonnet-4-6";
    public const string BedrockModel = "claude-haiku-4-5";
    public const string FoundryModel = "claude-opus-4-8";

    public static async Task<int> RunAsync(Uri upstream)
    {
        await using var idp = new FakeIdentityProvider();
        var config = TestConfig.Create(idp, []) with
        {
            Upstreams =
            [
                new AnthropicUpstreamConfig
                {
                    Name = "anthropic",
                    BaseUrl = upstream,
                    Models = [AnthropicModel],
                    Auth = new AnthropicAuth.ApiKey(new Secret("key")),
                },
                new BedrockUpstreamConfig { Name = "bedrock", BaseUrl = upstream, Models = [BedrockModel],
                    Region = "us-east-1", Auth = new AwsAuth { BearerToken = new Secret("key") } },
                new FoundryUpstreamConfig
                {
                    Name = "foundry",
                    BaseUrl = upstream,
                    Models = [FoundryModel],
                    Resource = "example",
                    ApiKey = new Secret("key"),
                },
            ],
        };
        await using var gateway = await GatewayHost.StartAsync(config, level: LogLevel.Error);
        var bearer = (await gateway.SignInAsync()).AccessToken;
        await Console.Out.WriteLineAsync($"{gateway.Url} {bearer}");
        // Console.In would block the socket thread on which this method goes on.
        await SocketThreads.LeaveAsync();
        using var input = new StreamReader(Console.OpenStandardInput());
        while (await input.ReadLineAsync() is not null)
        {
            await Console.Out.WriteLineAsync(
                GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
        }

        return 0;
    }
}
