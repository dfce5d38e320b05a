using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME: an identity provider whose name only the proxy resolves.</summary>
public sealed class IdpByHostnameTests : IAsyncDisposable
{
    private const string Host = "idp.corp.example";
    private const string Variable = "CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly CertificateFiles _files = new(Host);
    private readonly ForwardProxy _proxy;

    public IdpByHostnameTests()
    {
        _proxy = new ForwardProxy(new Dictionary<string, int> { [$"{Host}:443"] = _idp.Server.Url.Port },
            _files.Load());
        foreach (var (key, path) in new Dictionary<string, string>
        {
            ["token_endpoint"] = "/token",
            ["jwks_uri"] = "/jwks",
            ["userinfo_endpoint"] = "/userinfo",
        })
        {
            _idp.DiscoveryOverrides[key] = $"https://{Host}{path}";
        }

        _idp.DiscoveryOverrides["issuer"] = $"https://{Host}";
        _idp.ClaimOverrides["iss"] = $"https://{Host}";
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
        _files.Dispose();
    }

    [Fact]
    public async Task Sign_in_and_refresh_reach_it_through_the_proxy_by_name()
    {
        await using var gateway = await StartAsync(environment: On);
        var token = await gateway.SignInAsync();
        Assert.Equal(200, (await gateway.RefreshAsync(token.RefreshToken)).Status);
        Assert.Equal([$"CONNECT {Host}:443 HTTP/1.1"], _proxy.Asked.Distinct());
        Assert.Contains(" info ", await gateway.Log.LineAsync(Variable), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("0")]
    [InlineData("off")]
    public async Task Without_it_a_name_must_resolve_here_too(string? value)
    {
        var e = await Assert.ThrowsAsync<OperatorException>(() => StartAsync(environment: With(value)));
        Assert.Contains($"ENOTFOUND {Host}", e.Message, StringComparison.Ordinal);
        Assert.Empty(_proxy.Asked);
    }

    [Fact]
    public async Task A_host_in_NO_PROXY_goes_direct()
    {
        var e = await Assert.ThrowsAsync<OperatorException>(
            () => StartAsync(environment: With("1", ("NO_PROXY", Host))));
        Assert.Contains($"ENOTFOUND {Host}", e.Message, StringComparison.Ordinal);
        Assert.Empty(_proxy.Asked);
    }

    [Theory]
    [InlineData("http://idp.corp.example")]
    [InlineData("https://localhost")]
    [InlineData("https://127.0.0.1:8443")]
    [InlineData("https://login.localhost")]
    public async Task Neither_http_nor_this_machine_is_asked_of_the_proxy(string issuer)
    {
        var e = await Assert.ThrowsAsync<OperatorException>(
            () => StartAsync(issuer, With("1", ("NO_PROXY", "other.example"))));
        Assert.Contains("ECONNREFUSED_SSRF", e.Message, StringComparison.Ordinal);
        Assert.Contains("NO_PROXY", e.Message, StringComparison.Ordinal);
        Assert.Equal(
            issuer.StartsWith("http:", StringComparison.Ordinal),
            e.Message.Contains(Variable, StringComparison.Ordinal));
        Assert.Empty(_proxy.Asked);
    }

    [Theory]
    [InlineData("token_endpoint", "http://idp.corp.example/token")]
    [InlineData("jwks_uri", "http://idp.corp.example/jwks")]
    [InlineData("userinfo_endpoint", "http://idp.corp.example/userinfo")]
    public async Task An_endpoint_without_TLS_ends_the_sign_in_and_is_sent_nothing(string endpoint, string url)
    {
        _idp.DiscoveryOverrides[endpoint] = url;
        _idp.IdTokenClaims = ["name"];
        await using var gateway = await StartAsync(
            environment: On, change: oidc => oidc with { UserinfoFallback = true });
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, device.UserCode);
        Assert.Equal(
            "access_denied", (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
        Assert.Contains(
            "ECONNREFUSED_SSRF",
            (await gateway.Log.AuditAsync("session.mint")).GetProperty("err").GetString(),
            StringComparison.Ordinal);
        Assert.DoesNotContain(_proxy.Asked, line => !line.StartsWith("CONNECT ", StringComparison.Ordinal));
        Assert.DoesNotContain(_idp.Requests, request => request.Path == new Uri(url).AbsolutePath);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    public async Task Where_the_proxy_is_not_used_a_warning_says_that_it_has_no_effect(bool? useProxy)
    {
        _idp.DiscoveryOverrides.Clear();
        var config = TestConfig.Create(_idp, [_upstream]);
        await using var gateway = await GatewayHost.StartAsync(
            config with { Oidc = config.Oidc with { UseProxy = useProxy } }, environment: On);
        Assert.Contains(
            " warn ", await gateway.Log.LineAsync($"{Variable} is set but has no effect"), StringComparison.Ordinal);
    }

    private Dictionary<string, string> On => With("1");

    private Dictionary<string, string> With(string? value, params (string Name, string Value)[] more)
    {
        var environment = new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            ["HTTPS_PROXY"] = _proxy.Url,
            ["HTTP_PROXY"] = _proxy.Url,
            ["NO_PROXY"] = "127.0.0.1,localhost",
        };
        if (value is not null)
        {
            environment[Variable] = value;
        }

        foreach (var (name, text) in more)
        {
            environment[name] = text;
        }

        return environment;
    }

    private Task<GatewayHost> StartAsync(
        string issuer = $"https://{Host}",
        Dictionary<string, string>? environment = null,
        Func<OidcConfig, OidcConfig>? change = null)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        var oidc = config.Oidc with
        {
            Issuer = new Uri(issuer),
            IssuerText = issuer,
            UseProxy = true,
            CaCertPem = _files.AuthorityPem
        };
        return GatewayHost.StartAsync(
            config with { Oidc = change is null ? oidc : change(oidc) }, environment: environment);
    }
}
