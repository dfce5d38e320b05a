using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// A gateway with scripted upstreams and a signed-in developer: what every test of inference starts from.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp;

    private Scene(FakeIdentityProvider idp, FakeUpstream[] upstreams, GatewayHost gateway, string bearer)
    {
        _idp = idp;
        Upstreams = upstreams;
        Gateway = gateway;
        Bearer = bearer;
    }

    public FakeUpstream[] Upstreams { get; }

    public FakeUpstream Upstream => Upstreams[0];

    public GatewayHost Gateway { get; }

    public string Bearer { get; }

    public static Task<Scene> StartAsync(Func<GatewayConfig, GatewayConfig> change) => StartAsync(1, change);

    public static async Task<Scene> StartAsync(int upstreams = 1, Func<GatewayConfig, GatewayConfig>? change = null)
    {
        var idp = new FakeIdentityProvider();
        var fakes = Enumerable.Range(0, upstreams).Select(_ => new FakeUpstream()).ToArray();
        var config = TestConfig.Create(idp, fakes);
        var gateway = await GatewayHost.StartAsync(change?.Invoke(config) ?? config);
        return new Scene(idp, fakes, gateway, (await gateway.SignInAsync()).AccessToken);
    }

    public Task<HttpResponseMessage> PostAsync(string body, params (string Name, string Value)[] headers) =>
        Gateway.PostJsonAsync("/v1/messages", body, Bearer, headers);

    /// <summary>A connection of its own, for what an HTTP client would not send or not show.</summary>
    public RawClient Connect() => new(Gateway.Url);

    /// <summary>The head of a POST to /v1/messages with a length, ready for its body.</summary>
    public byte[] Head(int contentLength, string extra = "", string version = "1.1") =>
        Encoding.ASCII.GetBytes(
            $"POST /v1/messages HTTP/{version}\r\nHost: gateway\r\nAuthorization: Bearer {Bearer}\r\nContent-Type: "
                + $"application/json\r\n{extra}Content-Length: {contentLength}\r\n\r\n");

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var upstream in Upstreams)
        {
            await upstream.DisposeAsync();
        }

        await _idp.DisposeAsync();
    }
}
