using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// Whose name an STS session bears. STS has no address of ours: it is reached by name through a proxy.
/// </summary>
public sealed class AssumedRoleTests : IAsyncDisposable
{
    private const string Sts = "sts.us-east-1.amazonaws.com";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _cloud = new();
    private readonly FakeServer _sts = new(exchange => exchange.RespondAsync(200, """
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
          <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>
        """, ("content-type", "text/xml")));

    private readonly CertificateFiles _files = new(Sts);
    private readonly TemporaryFolder _folder = new();
    private readonly ForwardProxy _proxy;

    public AssumedRoleTests() =>
        _proxy = new ForwardProxy(new Dictionary<string, int> { [$"{Sts}:443"] = _sts.Port }, _files.Load());

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _sts.DisposeAsync();
        await _cloud.DisposeAsync();
        await _idp.DisposeAsync();
        _files.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Counting_is_signed_with_the_session_of_all_and_a_message_with_the_developers()
    {
        _cloud.Script = exchange => exchange.RespondJsonAsync(200, new { input_tokens = 7 });
        await using var gateway = await StartAsync(loadTest: null);
        var bearer = (await gateway.SignInAsync()).AccessToken;
        object body = new
        {
            model = "claude-opus-4-8",
            max_tokens = 8,
            messages = new[] { new { role = "user", content = "hi" } }
        };
        using var counted = await gateway.PostJsonAsync(
            "/v1/messages/count_tokens", body, bearer, ("anthropic-version", "2023-06-01"));
        using var answered = await gateway.PostJsonAsync(
            "/v1/messages", body, bearer, ("anthropic-version", "2023-06-01"));

        Assert.Equal((200, 200), ((int)counted.StatusCode, (int)answered.StatusCode));
        Assert.Equal(["claude-apps-gateway", "alice"], SessionNames());
        Assert.All(
            _cloud.Requests,
            request =>
                Assert.Contains("Credential=ASIAROLE/", request.Header("authorization"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false, "alice")]
    [InlineData(true, "alice@example.com")]
    public async Task Whom_a_load_test_made_up_has_the_role_of_the_developer_behind_it(bool byEmail, string expected)
    {
        await using var gateway = await StartAsync(
            new LoadTestModeConfig(true, 10, TimeSpan.Zero, false),
            byEmail ? AssumeRoleSessionName.Email : AssumeRoleSessionName.Sub);
        var bearer = (await gateway.SignInAsync()).AccessToken;
        using var answered = await gateway.SendMessageAsync(bearer, "claude-opus-4-8", false,
            ("x-load-test-user", "7"));

        Assert.Equal(200, (int)answered.StatusCode);
        Assert.Equal([expected], SessionNames());
        Assert.Equal("alice+loadtest-7", (await gateway.Log.AuditAsync("inference")).GetProperty("sub").GetString());
    }

    private IEnumerable<string> SessionNames() => _sts.Requests.Select(request => request.Form["RoleSessionName"]);

    private Task<GatewayHost> StartAsync(
        LoadTestModeConfig? loadTest, AssumeRoleSessionName claim = AssumeRoleSessionName.Sub)
    {
        var authority = _folder.File("ca.pem");
        File.WriteAllText(authority, _files.AuthorityPem);
        var mantle = new MantleUpstreamConfig
        {
            Name = "mantle",
            BaseUrl = _cloud.Url,
            Region = "us-east-1",
            Models = ["claude-opus-4-8"],
            Auth = new AwsAuth { AccessKeyId = new Secret("AKIDEXAMPLE"), SecretAccessKey = new Secret("own-secret") },
            AssumeRole = new AssumeRoleConfig("arn:aws:iam::123456789012:role/gateway", null, claim),
        };
        return GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_cloud]) with { Upstreams = [mantle], LoadTestMode = loadTest },
            environment: new Dictionary<string, string>
            {
                ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
                ["HTTPS_PROXY"] = _proxy.Url,
                ["NODE_EXTRA_CA_CERTS"] = authority,
            });
    }
}
