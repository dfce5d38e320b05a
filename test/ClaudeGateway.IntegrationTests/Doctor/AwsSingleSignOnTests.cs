using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Doctor;

/// <summary>
/// A profile of IAM Identity Center, whose sign-in <c>aws sso login</c> keeps below HOME: in a process of its own,
/// since the AWS SDK looks at the process's HOME. The portal has no address of ours: it is reached by name through a
/// proxy.
/// </summary>
public sealed class AwsSingleSignOnTests : IAsyncDisposable
{
    private const string Portal = "portal.sso.us-east-1.amazonaws.com";
    private const string StartUrl = "https://example.awsapps.com/start";

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeServer _bedrock = new(exchange => exchange.RespondJsonAsync(
        400, new { message = "messages: at least one message is required" }));
    private readonly CertificateFiles _files = new(Portal);
    private readonly FakeServer _portal;
    private readonly ForwardProxy _proxy;

    private int _status = 200;

    public AwsSingleSignOnTests()
    {
        _portal = new FakeServer(exchange => exchange.RespondJsonAsync(_status, new
        {
            roleCredentials = new
            {
                accessKeyId = "ASIASSO",
                secretAccessKey = "sso-secret",
                sessionToken = "sso-session",
                expiration = new DateTimeOffset(2099, 7, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(),
            },
        }));
        _proxy = new ForwardProxy(new Dictionary<string, int> { [$"{Portal}:443"] = _portal.Port }, _files.Load());
        File.WriteAllText(_folder.File("ca.pem"), _files.AuthorityPem);
        File.WriteAllText(_folder.File("gateway.yaml"), $$"""
            listen: { host: 127.0.0.1, port: 0 }
            oidc: { issuer: "{{_idp.Issuer}}", client_id: {{FakeIdentityProvider.ClientId}}, client_secret: secret }
            session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
            store: { sqlite_path: gateway.db }
            upstreams: [{ provider: bedrock, region: us-east-1, base_url: "{{_bedrock.Url}}", auth: {} }]
            """);
        Directory.CreateDirectory(_folder.File(".aws/sso/cache"));
        File.WriteAllText(_folder.File(".aws/config"), $"""
            [profile claude]
            sso_start_url = {StartUrl}
            sso_region = us-east-1
            sso_account_id = 123456789012
            sso_role_name = Gateway
            region = us-east-1
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _portal.DisposeAsync();
        await _bedrock.DisposeAsync();
        await _idp.DisposeAsync();
        _files.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_kept_sign_in_gives_the_roles_credentials_through_the_proxy()
    {
        KeepSignIn(until: TimeProvider.System.GetUtcNow().AddHours(1));

        var report = await ExamineAsync();

        Assert.Contains("takes requests for", report, StringComparison.Ordinal);
        Assert.Equal([$"CONNECT {Portal}:443 HTTP/1.1"], _proxy.Asked);
        var asked = Assert.Single(_portal.Requests);
        Assert.Equal(
            ("kept-token", "Gateway", "123456789012"),
            (asked.Header("x-amz-sso_bearer_token"), asked.Query["role_name"], asked.Query["account_id"]));
        var request = Assert.Single(_bedrock.Requests);
        Assert.StartsWith(
            "AWS4-HMAC-SHA256 Credential=ASIASSO/", request.Header("authorization"), StringComparison.Ordinal);
        Assert.Equal("sso-session", request.Header("x-amz-security-token"));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_portal_that_refuses_gives_no_credential_and_no_request(int status)
    {
        _status = status;
        KeepSignIn(until: TimeProvider.System.GetUtcNow().AddHours(1));

        var report = await ExamineAsync();

        Assert.Contains("no usable credential: AWS profile 'claude'", report, StringComparison.Ordinal);
        Assert.DoesNotContain("kept-token", report, StringComparison.Ordinal);
        Assert.Empty(_bedrock.Requests);
    }

    [Fact]
    public async Task A_sign_in_that_is_over_gives_none_and_asks_nobody()
    {
        KeepSignIn(until: TimeProvider.System.GetUtcNow().AddHours(-1));

        var report = await ExamineAsync();

        Assert.Contains("no usable credential: AWS profile 'claude'", report, StringComparison.Ordinal);
        Assert.Empty(_proxy.Asked);
        Assert.Empty(_bedrock.Requests);
    }

    /// <summary>Named by the SHA-1 of its start address, as every AWS tool names it.</summary>
    private void KeepSignIn(DateTimeOffset until)
    {
#pragma warning disable CA5350 // The name AWS gives the file.
        var name = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(StartUrl)));
#pragma warning restore CA5350
        var ends = until.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        File.WriteAllText(
            _folder.File($".aws/sso/cache/{name}.json"),
            $$"""{"startUrl":"{{StartUrl}}","region":"us-east-1","accessToken":"kept-token","expiresAt":"{{ends}}"}""");
    }

    private async Task<string> ExamineAsync()
    {
        await using var doctor = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string>
            {
                ["HOME"] = _folder.Path,
                ["AWS_PROFILE"] = "claude",
                ["AWS_EC2_METADATA_DISABLED"] = "true",
                ["HTTPS_PROXY"] = _proxy.Url,
                ["NODE_EXTRA_CA_CERTS"] = _folder.File("ca.pem"),
                ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            },
            "doctor",
            "--config",
            "gateway.yaml");
        await doctor.ExitCodeAsync();
        return string.Join('\n', [.. doctor.Output.Lines, .. doctor.Errors.Lines]);
    }
}
