using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Composition;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Sources;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Reload;

/// <summary>A configuration at a URL, round by round.</summary>
public sealed class RemoteReloadTests : IAsyncLifetime
{
    private static readonly ProcessEnvironment Environment = new(new Dictionary<string, string>
    {
        ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
    });

    private const string Secret = FakeIdentityProvider.ClientSecret;

    private readonly FakeIdentityProvider _idp = new();
    private readonly CapturedLog _log = new();
    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server;
    private Func<FakeExchange, Task> _answer;
    private string _text = "";
    private string? _etag = "\"v1\"";
    private RemoteConfig _source = null!;
    private StderrLines _lines = null!;
    private GatewayHost _gateway = null!;
    private ConfigReload _reload = null!;
    private string _bearer = "";

    public RemoteReloadTests()
    {
        _answer = AnswerAsync;
        _server = new FakeServer(exchange => _answer(exchange));
    }

    public async ValueTask InitializeAsync()
    {
        _text = File("sonnet");
        _source = RemoteConfig.Open($"{_server.Url}gateway.yaml?sig=s3cr3t", Environment, TimeProvider.System);
        var fetched = await _source.FetchAtStartAsync(default);
        var first = fetched.Read(Environment);
        _gateway = await GatewayHost.StartAsync(first.Config!);
        _lines = new StderrLines(_log);
        _reload = new ConfigReload(
            _gateway.App,
            first,
            new RemoteOrigin(_source, fetched),
            Environment,
            TimeProvider.System,
            new OperationalLog(_lines, TimeProvider.System, LogLevel.Info));
        _bearer = (await _gateway.SignInAsync()).AccessToken;
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _reload.Dispose();
        _lines.Dispose();
        _source.Dispose();
        await _server.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Another_version_is_in_force_after_the_poll_that_meets_it_and_the_audit_names_it()
    {
        await _reload.PollAsync(default);
        Assert.Equal("sonnet", await ModelAsync());
        Assert.Single(_gateway.Log.Audit("config.load"));

        Publish(File("opus"), "\"v2\"");
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);

        Assert.Equal("opus", await ModelAsync());
        var audit = await _gateway.Log.AuditAsync("config.load", 2);
        Assert.Equal("\"v2\"", audit.GetProperty("etag").GetString());
        Assert.Equal($"{_server.Url}gateway.yaml?…", audit.GetProperty("path").GetString());
        Assert.Equal(
            [null, "\"v1\"", "\"v1\"", "\"v2\""],
            _server.Requests.Select(request => request.Header("if-none-match")));
        Assert.Single(await LinesAsync("(ETag \"v2\") is in force"));
        NoSecretIsTold();
    }

    [Fact]
    public async Task Without_an_ETag_the_bytes_tell_versions_apart()
    {
        Publish(_text, null);
        await _reload.PollAsync(default);
        Assert.Single(_gateway.Log.Audit("config.load"));
        Publish(File("opus"), null);
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Equal("opus", await ModelAsync());
        await _gateway.Log.AuditAsync("config.load", 2);
        Assert.Equal(2, _gateway.Log.Audit("config.load").Count);
        Assert.False(_gateway.Log.Audit("config.load")[1].TryGetProperty("etag", out _));
        Assert.Single(await LinesAsync("(sha256 "));
    }

    [Fact]
    public async Task A_wrong_version_is_refused_once_and_judged_again_when_it_changes()
    {
        Publish(File("opus") + "\nsessions: {}\nlogin_notice: 5\n", "\"v2\"");
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Equal("sonnet", await ModelAsync());
        Assert.Single(await LinesAsync($"config: {_server.Url}gateway.yaml?…:7:1 sessions"));
        Assert.Single(await LinesAsync("(ETag \"v2\") was not put in force"));
        Assert.Equal("\"v2\"", _server.Requests[^1].Header("if-none-match"));

        Publish(File("opus") + "\nsessions: {}\n", "\"v3\"");
        await _reload.PollAsync(default);
        Assert.Single(await LinesAsync("(ETag \"v3\") was not put in force"));

        Publish(File("opus"), "\"v4\"");
        await _reload.PollAsync(default);
        Assert.Equal("opus", await ModelAsync());
    }

    [Fact]
    public async Task The_same_wrong_bytes_under_another_ETag_are_judged_again()
    {
        Publish(File("opus") + "\nsessions: {}\n", "\"v2\"");
        await _reload.PollAsync(default);
        Publish(_text, "\"v3\"");
        await _reload.PollAsync(default);
        Assert.Equal(2, (await LinesAsync("was not put in force")).Count);
    }

    [Fact]
    public async Task What_an_identity_provider_keeps_out_of_force_is_tried_again_and_told_once()
    {
        _idp.Script = exchange => exchange.RespondAsync(503, "");
        Publish(File("opus").Replace("client_id: ", "scopes: [openid, email], client_id: ", StringComparison.Ordinal),
            "\"v2\"");
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Equal("sonnet", await ModelAsync());
        Assert.Single(await LinesAsync("was not put in force"));

        _idp.Script = null;
        await _reload.PollAsync(default);
        Assert.Equal("opus", await ModelAsync());
    }

    [Fact]
    public async Task An_outage_is_told_once_and_its_end_too_and_the_last_good_version_stays()
    {
        _answer = exchange => exchange.RespondAsync(503, "");
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Equal("sonnet", await ModelAsync());
        Assert.Single(await LinesAsync("answered 503; the configuration in force stays"));
        _answer = exchange => exchange.RespondAsync(403, "");
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Single(await LinesAsync("answered 403; the configuration in force stays"));

        _answer = AnswerAsync;
        await _reload.PollAsync(default);
        await _reload.PollAsync(default);
        Assert.Single(await LinesAsync("can be fetched again"));
        Publish(File("opus"), "\"v2\"");
        await _reload.PollAsync(default);
        Assert.Equal("opus", await ModelAsync());
    }

    [Theory]
    [InlineData("redirect")]
    [InlineData("truncated")]
    [InlineData("huge")]
    [InlineData("empty")]
    [InlineData("page")]
    public async Task Whatever_else_is_answered_the_last_good_version_stays(string what)
    {
        _answer = what switch
        {
            "redirect" => exchange => exchange.RespondAsync(302, "", ("location", $"{_server.Url}x?sig=s3cr3t")),
            "huge" => exchange => exchange.WriteRawAsync(
                Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")),
            "truncated" => TruncateAsync,
            "empty" => exchange => exchange.RespondAsync(200, ""),
            _ => exchange => exchange.RespondAsync(200, "<html>maintenance</html>", ("etag", "\"html\"")),
        };
        await _reload.PollAsync(default);
        Assert.Equal("sonnet", await ModelAsync());
        await _log.LineAsync(what is "empty" or "page" ? "was not put in force" : "the configuration in force stays");
        Assert.Single(_gateway.Log.Audit("config.load"));
        NoSecretIsTold();
    }

    [Fact]
    public async Task A_signal_fetches_at_once_and_whole_whatever_is_known()
    {
        Publish(File("opus"), "\"v2\"");
        Assert.True(await _reload.ReloadAsync(default));
        Assert.Equal("opus", await ModelAsync());
        Assert.True(await _reload.ReloadAsync(default));
        Assert.All(_server.Requests, request => Assert.Null(request.Header("if-none-match")));
        await _log.LineAsync("SIGHUP: " + _server.Url + "gateway.yaml?… (ETag \"v2\") is in force");
        // What a signal put in force is not news for the poll after it.
        await _reload.PollAsync(default);
        Assert.Equal("\"v2\"", _server.Requests[^1].Header("if-none-match"));
        await _gateway.Log.AuditAsync("config.load", 3);
        Assert.Equal(3, _gateway.Log.Audit("config.load").Count);

        _server.Refuse();
        Assert.False(await _reload.ReloadAsync(default));
        await _log.LineAsync("SIGHUP: " + _server.Url + "gateway.yaml?…: connect");
        await _log.LineAsync("was not put in force; the configuration that was in force stays");
    }

    [Fact]
    public async Task A_poll_that_waits_for_the_server_ends_with_the_gateway()
    {
        using var stop = new CancellationTokenSource();
        _answer = exchange => exchange.StallAsync();
        var poll = _reload.PollAsync(stop.Token);
        await _server.RequestCountAsync(2);
        await stop.CancelAsync();
        await poll.WaitAsync(TimeSpan.FromSeconds(5));
    }

    private void NoSecretIsTold() =>
        Assert.All(
            [.. _log.Lines, .. _gateway.Log.Lines],
            line => Assert.DoesNotContain("s3cr3t", line, StringComparison.Ordinal));

    private void Publish(string text, string? etag) => (_text, _etag) = (text, etag);

    private Task AnswerAsync(FakeExchange exchange) =>
        _etag is not null && exchange.Request.Header("if-none-match") == _etag
            ? exchange.WriteRawAsync("HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"u8.ToArray())
            : _etag is null ? exchange.RespondAsync(200, _text)
            : exchange.RespondAsync(200, _text, ("etag", _etag));

    private async Task<List<string>> LinesAsync(string text)
    {
        await _log.LineAsync(text);
        return [.. _log.Lines.Where(line => line.Contains(text, StringComparison.Ordinal))];
    }

    private async Task<string?> ModelAsync()
    {
        using var response = await _gateway.GetAsync("/managed/settings", _bearer);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["settings"]!["model"]!.GetValue<string>();
    }

    private async Task TruncateAsync(FakeExchange exchange)
    {
        await exchange.WriteRawAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\ncontent-length: {_text.Length + 1}\r\n\r\n{File("opus")}"));
        exchange.Close();
    }

    private string File(string model) => $$"""
        listen: { host: 127.0.0.1, port: 0 }
        oidc: { issuer: "{{_idp.Issuer}}", client_id: {{FakeIdentityProvider.ClientId}}, client_secret: {{Secret}} }
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { sqlite_path: "{{_folder.File("gateway.db")}}" }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]
        managed: { policies: [{ cli: { model: {{model}} } }] }
        """;
}
