using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Settings;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

public sealed class BootstrapTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly FakeIdentityProvider _idp;
    private readonly FakeUpstream _upstream = new();

    public BootstrapTests() => _idp = new FakeIdentityProvider(_clock);

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task The_configuration_lasts_as_long_as_a_bearer_minted_now_would()
    {
        var desktop = new PolicyDocument(
            "managed.policies[0].desktop", JsonElement.Parse("{}"), new Dictionary<string, ConfigPosition>());
        var config = TestConfig.Create(_idp, [_upstream]);
        await using var gateway = await GatewayHost.StartAsync(
            config with
            {
                Session = config.Session with { Ttl = TimeSpan.FromMinutes(90), TtlHours = 1.5 },
                Managed = new ManagedConfig { Policies = [new PolicyConfig { Desktop = desktop }] }
            },
            _clock);
        var token = await gateway.SignInAsync();
        _clock.Advance(TimeSpan.FromMinutes(40));

        using var answer = await gateway.GetAsync("/user/bootstrap", token.AccessToken);
        var expires = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["expiresAt"]!.GetValue<long>();
        Assert.Equal((_clock.GetUtcNow() + TimeSpan.FromMinutes(90)).ToUnixTimeSeconds(), expires);
        Assert.Equal(40 * 60, expires - token.Claims.GetProperty("exp").GetInt64());
    }
}
