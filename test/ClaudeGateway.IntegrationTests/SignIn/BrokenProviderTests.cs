using System.Text;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>
/// Whatever an IdP answers, however broken, is the IdP's failure: an OAuth error or a page, never a fault of the
/// gateway.
/// </summary>
public sealed class BrokenProviderTests : IAsyncDisposable
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    /// <summary>Raw answers, each broken in another way.</summary>
    public static TheoryData<string> Broken =>
    [
        "HTTP/1.1 200 \r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-encoding: deflate\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-encoding: gzip, br\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-length: -5\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-length: 2\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 200 \r\ncontent-length: 99999999999999999999\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
        "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 \r\ncontent-type: \0;\u00ff\r\ncontent-length: 2\r\n\r\n[]",
        "HTTP/1.1 200 \r\ncontent-length: 25\r\n\r\n{\"access_token\":\"\\ud800\"}",
        "HTTP/1.1 99999 what\r\n\r\n",
        "HTTP/9.9 200 \r\n\r\n",
        "not HTTP at all\r\n\r\n",
        "",
    ];

    /// <summary>Those that once ended in a 500; where the gateway waits between its tries, a few do.</summary>
    public static TheoryData<string> Undecodable =>
        [.. Broken.Select(row => row.Data)
            .Where(answer => answer.Contains("content-encoding", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_broken_answer_of_the_token_endpoint_is_tried_again_later(string answer)
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        Break("/token", answer);

        var refused = await gateway.RefreshAsync(token.RefreshToken);

        Assert.Equal((503, "temporarily_unavailable"), (refused.Status, refused.Json.GetProperty("error").GetString()));
        AssertNoFault(gateway);
    }

    [Theory]
    [MemberData(nameof(Undecodable))]
    public async Task A_broken_answer_at_the_callback_is_a_page_of_the_callback(string answer)
    {
        await using var gateway = await StartAsync();
        Break("/token", answer);
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();

        var page = await gateway.ApproveAsync(browser, device.UserCode);

        Assert.Contains((int)page.Status, new[] { 403, 502 });
        AssertNoFault(gateway);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Broken_keys_and_a_broken_userinfo_refuse_the_sign_in(string answer)
    {
        await using var gateway = await StartAsync();
        Break("/jwks", answer);
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        Assert.Equal(403, (int)(await gateway.ApproveAsync(browser, device.UserCode)).Status);

        _idp.IssuesIdTokenOnRefresh = false;
        Break("/userinfo", answer);
        var token = await gateway.SignInAsync();
        var refused = await gateway.RefreshAsync(token.RefreshToken);
        Assert.Equal(503, refused.Status);
        AssertNoFault(gateway);
    }

    [Theory]
    [MemberData(nameof(Undecodable))]
    public async Task A_broken_discovery_document_fails_boot_by_name(string answer)
    {
        Break("/.well-known/openid-configuration", answer);
        var failure = await Assert.ThrowsAsync<OperatorException>(() => StartAsync());
        Assert.StartsWith("oidc.issuer: ", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\r\nx-injected: 1")]
    [InlineData("\u0000")]
    [InlineData("é")]
    public async Task An_access_token_that_is_no_header_value_is_not_sent(string accessToken)
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token"
            ? exchange.RespondJsonAsync(200, new { access_token = accessToken, token_type = "Bearer" })
            : null;

        var refused = await gateway.RefreshAsync(token.RefreshToken);

        Assert.Equal((503, "temporarily_unavailable"), (refused.Status, refused.Json.GetProperty("error").GetString()));
        Assert.DoesNotContain(_idp.Requests, request => request.Path == "/userinfo");
    }

    [Theory]
    [InlineData("""{"keys":[],"keys":[]}""", "/jwks")]
    [InlineData("""{"sub":"mallory","sub":"alice"}""", "/userinfo")]
    [InlineData("""{"access_token":"a","access_token":"b","token_type":"Bearer"}""", "/token")]
    public async Task An_answer_that_names_a_member_twice_is_no_answer(string answer, string path)
    {
        await using var gateway = await StartAsync();
        if (path != "/jwks")
        {
            _idp.IssuesIdTokenOnRefresh = false;
            var token = await gateway.SignInAsync();
            Break(path, answer, isJson: true);
            Assert.Equal(503, (await gateway.RefreshAsync(token.RefreshToken)).Status);
            return;
        }

        Break(path, answer, isJson: true);
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        Assert.Equal(403, (int)(await gateway.ApproveAsync(browser, device.UserCode)).Status);
    }

    [Fact]
    public async Task An_error_of_any_length_is_not_repeated()
    {
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _idp.Script = exchange =>
            exchange.Request.Path == "/token"
            ? exchange.RespondJsonAsync(400, new { error = new string('e', 100_000) })
            : null;

        Assert.Equal(503, (await gateway.RefreshAsync(token.RefreshToken)).Status);

        var audit = await gateway.Log.AuditAsync("session.refresh");
        Assert.Equal(
            "the IdP's token endpoint answered 400 without an OAuth error", audit.GetProperty("err").GetString());
    }

    private static void AssertNoFault(GatewayHost gateway) =>
        Assert.DoesNotContain(
            gateway.Log.Lines,
            line =>
                line.Contains(" failed: ", StringComparison.Ordinal)
                && line.Contains("error request", StringComparison.Ordinal));

    /// <summary>The first sign-in after it goes well again where it is not about this path.</summary>
    private void Break(string path, string answer, bool isJson = false) => _idp.Script = exchange =>
        exchange.Request.Path != path ? null
        : isJson ? exchange.RespondAsync(200, answer, ("content-type", "application/json"))
        : SendAsync(exchange, answer);

    private static async Task SendAsync(FakeExchange exchange, string answer)
    {
        await exchange.WriteRawAsync(Encoding.Latin1.GetBytes(answer));
        exchange.Close();
    }

    private Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(TestConfig.Create(_idp, [_upstream]));
}
