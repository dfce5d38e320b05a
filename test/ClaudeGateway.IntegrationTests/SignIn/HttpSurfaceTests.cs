using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>What every answer has in common, and the transports it goes over.</summary>
public sealed class HttpSurfaceTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/healthz")]
    [InlineData("/device")]
    [InlineData("/.well-known/oauth-authorization-server")]
    public async Task HEAD_answers_like_GET_without_a_body(string path)
    {
        await using var gateway = await StartAsync();
        using var answer = await gateway.SendAsync(HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task HTTP_1_0_is_served()
    {
        await using var gateway = await StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, gateway.Url.Port);
        await client.GetStream().WriteAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var text = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 200", text, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metadata_advertises_revocation_and_comes_from_the_public_URL_alone()
    {
        await using var gateway = await StartAsync(
            config => config with { Listen = config.Listen with { PublicUrl = "https://gw.example.com" } });
        using var answer = await gateway.SendAsync(
            HttpMethod.Get,
            "/.well-known/oauth-authorization-server",
            null,
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains(
            "\"revocation_endpoint\":\"https://gw.example.com/oauth/revoke\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_requests_for_codes_say_when_to_come_again()
    {
        await using var gateway = await StartAsync(
            config =>
                config with
                {
                    RateLimits = config.RateLimits with
                    {
                        DeviceAuthorization = new RateLimitRule(
                    1, TimeSpan.FromSeconds(60))
                    }
                });
        (await gateway.PostFormAsync("/oauth/device_authorization")).Dispose();
        using var limited = await gateway.PostFormAsync("/oauth/device_authorization");
        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.InRange(limited.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_chunked_body_is_read_up_to_the_limit()
    {
        await using var gateway = await StartAsync();
        using var content = new FormUrlEncodedContent([new("grant_type", "nonsense")]);
        using var answer = await gateway.SendAsync(
            HttpMethod.Post, "/oauth/token", content, ("Transfer-Encoding", "chunked"));
        Assert.Contains("unsupported_grant_type", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var large = new StreamContent(
            new MemoryStream(Encoding.ASCII.GetBytes("a=" + new string('x', 2 * 1024 * 1024))));
        large.Headers.ContentType = new("application/x-www-form-urlencoded");
        using var refused = await gateway.SendAsync(
            HttpMethod.Post, "/oauth/token", large, ("Transfer-Encoding", "chunked"));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=B", "nothing of the kind")]
    [InlineData("multipart/form-data", "--B--")]
    [InlineData("application/json", "{}")]
    [InlineData("text/plain", "grant_type=refresh_token")]
    public async Task A_body_that_is_no_form_is_an_invalid_request(string type, string body)
    {
        await using var gateway = await StartAsync();
        using var content = new StringContent(body);
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await gateway.SendAsync(HttpMethod.Post, "/oauth/token", content);
        Assert.Equal(
            (HttpStatusCode.BadRequest, """{"error":"invalid_request"}"""),
            (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Discovery_over_TLS_trusts_the_configured_authority_and_no_other()
    {
        using var files = new CertificateFiles("localhost");
        using var certificate = files.Load();
        await using var tls = new TcpRelay(_idp.Server.Port, certificate);
        GatewayConfig Over(GatewayConfig config, string? authority) => config with
        {
            Oidc = config.Oidc with
            {
                DiscoveryUrl = new Uri(
                $"https://localhost:{tls.Port}/.well-known/openid-configuration"),
                CaCertPem = authority
            },
        };
        await using (var gateway = await StartAsync(config => Over(config, files.AuthorityPem)))
        {
            await gateway.SignInAsync();
        }

        var failure = await Assert.ThrowsAsync<OperatorException>(() => StartAsync(config => Over(config, null)));
        Assert.StartsWith("oidc.discovery_url: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("authorization_endpoint")]
    [InlineData("token_endpoint")]
    [InlineData("jwks_uri")]
    public async Task A_discovery_document_without_what_a_sign_in_needs_fails_boot_by_name(string member)
    {
        _idp.DiscoveryOverrides[member] = null;
        var failure = await Assert.ThrowsAsync<OperatorException>(() => StartAsync());
        Assert.Contains($"\"{member}\"", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/nope", "not_found_error")]
    [InlineData("/nope", null)]
    public async Task A_missing_path_is_told_in_the_clients_own_form(string path, string? type)
    {
        await using var gateway = await StartAsync();
        using var answer = await gateway.GetAsync(path, (await gateway.SignInAsync()).AccessToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(
            type,
            type is null
            ? null
            : System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("type")
                .GetString());
        Assert.Contains("not found", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_on_URLs_does_not_catch_the_IdPs_long_codes()
    {
        await using var gateway = await StartAsync(
            config => config with { Limits = config.Limits with { MaxUrlLength = 300 } });
        using var callback = await gateway.GetAsync("/oauth/callback?state=x&code=" + new string('c', 2000));
        using var other = await gateway.GetAsync("/device?user_code=" + new string('c', 2000));
        Assert.Equal(
            (HttpStatusCode.BadRequest, HttpStatusCode.RequestUriTooLong), (callback.StatusCode, other.StatusCode));
    }

    [Theory]
    [InlineData("2.0", "2.0")]
    [InlineData("1.1", "1.1")]
    public async Task TLS_serves_HTTP_2_and_HTTP_1_1_as_the_client_asks(string asked, string expected)
    {
        using var files = new CertificateFiles("localhost");
        await using var gateway = await StartAsync(config => Protect(config, files));
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = files.ClientOptions() });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{gateway.Url.Port}/healthz")
        {
            Version = Version.Parse(asked),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var answer = await http.SendAsync(request, CancellationToken.None);
        Assert.Equal(Version.Parse(expected), answer.Version);
        Assert.Equal(
            "max-age=31536000; includeSubDomains", answer.Headers.GetValues("Strict-Transport-Security").Single());
    }

    [Theory]
    [InlineData("2.0")]
    [InlineData("1.1")]
    public async Task A_bearer_of_three_thousand_groups_is_served(string version)
    {
        using var files = new CertificateFiles("localhost");
        _idp.User["groups"] = new System.Text.Json.Nodes.JsonArray(
            [.. Enumerable.Range(0, 3000)
                .Select(i => (System.Text.Json.Nodes.JsonNode)$"group-with-a-rather-long-name-{i}")]);
        await using var plain = await StartAsync();
        var bearer = (await plain.SignInAsync()).AccessToken;
        Assert.InRange(bearer.Length, 100_000, 200_000);

        await using var gateway = await StartAsync(config => Protect(config, files));
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = files.ClientOptions() });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{gateway.Url.Port}/v1/models")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Authorization = new("Bearer", bearer);
        using var answer = await http.SendAsync(request, CancellationToken.None);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_renewed_certificate_is_taken_up_without_a_restart_and_a_broken_one_is_not()
    {
        using var files = new CertificateFiles("localhost");
        var clock = new ManualTimeProvider();
        await using var gateway = await GatewayHost.StartAsync(
            Protect(TestConfig.Create(_idp, [_upstream]), files), clock);
        var first = await ServedAsync(files, gateway.Url.Port);

        files.Renew();
        clock.Advance(TimeSpan.FromSeconds(5));
        var second = await ServedAsync(files, gateway.Url.Port);
        Assert.NotEqual(first, second);

        files.Break();
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second, await ServedAsync(files, gateway.Url.Port));
        await gateway.Log.LineAsync("the certificate in use stays");
    }

    [Fact]
    public async Task A_taken_port_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => StartAsync(config => config with { Listen = config.Listen with { Port = port } }));
        Assert.Contains($":{port}", failure.Message, StringComparison.Ordinal);
        Assert.Contains("listen.port", failure.Message, StringComparison.Ordinal);
    }

    private Task<GatewayHost> StartAsync(Func<GatewayConfig, GatewayConfig>? change = null)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        return GatewayHost.StartAsync(change is null ? config : change(config));
    }

    private static GatewayConfig Protect(GatewayConfig config, CertificateFiles files) =>
        config with { Listen = config.Listen with { Tls = new TlsConfig(files.CertificatePath, files.KeyPath) } };

    /// <summary>The thumbprint of the certificate that a new connection is shown.</summary>
    private static async Task<string> ServedAsync(CertificateFiles files, int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(files.ClientOptions());
        return tls.RemoteCertificate!.GetCertHashString(HashAlgorithmName.SHA256);
    }
}
