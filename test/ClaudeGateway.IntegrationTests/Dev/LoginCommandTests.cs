using ClaudeGateway.Cli;
using ClaudeGateway.Dev;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Dev;

public sealed class LoginCommandTests : IAsyncDisposable
{
    private readonly FakeServer _gateway;
    private readonly Queue<(int Status, object Body)> _polls = [];
    private readonly ManualTimeProvider _clock = new() { JumpsAtMost = TimeSpan.FromSeconds(20) };
    private readonly StringWriter _output = new();
    private readonly StringWriter _messages = new();
    private string? _issuer;
    private string? _token;
    private object _interval = 2;
    private string _notice = "Be good";

    public LoginCommandTests() => _gateway = new FakeServer(AnswerAsync);

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task Prints_the_bearer_alone_and_tells_the_person_where_to_go()
    {
        _polls.Enqueue((400, new { error = "authorization_pending" }));
        Assert.Equal(0, await SignInAsync(_gateway.LocalUrl));
        Assert.Equal("the-bearer\n", _output.ToString());
        Assert.Contains(
            $"{_gateway.LocalUrl}/device?user_code=BCDF-GHJK", _messages.ToString(), StringComparison.Ordinal);
        Assert.Contains("Be good", _messages.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waits_the_interval_and_five_seconds_more_after_each_slow_down()
    {
        _polls.Enqueue((400, new { error = "authorization_pending" }));
        _polls.Enqueue((429, new { error = "slow_down" }));
        var start = _clock.GetUtcNow();
        await SignInAsync(_gateway.LocalUrl);
        Assert.Equal(TimeSpan.FromSeconds(2 + 2 + 7), _clock.GetUtcNow() - start);
    }

    [Theory]
    [InlineData("access_denied", "refused")]
    [InlineData("expired_token", "run the command again")]
    [InlineData("surprise\u001b[31m", "answered 400 surprise [31m")]
    public async Task Says_in_one_line_why_a_sign_in_ended(string error, string said)
    {
        _polls.Enqueue((400, new { error }));
        var failure = await Assert.ThrowsAsync<OperatorException>(() => SignInAsync(_gateway.LocalUrl));
        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Theory]
    [InlineData("soon", 5)]
    [InlineData(-1, 5)]
    [InlineData(1.5, 5)]
    [InlineData(1_000_000, 5)]
    [InlineData(3, 3)]
    public async Task An_interval_that_is_none_is_the_default(object interval, int waited)
    {
        _interval = interval;
        var start = _clock.GetUtcNow();
        Assert.Equal(0, await SignInAsync(_gateway.LocalUrl));
        Assert.Equal(TimeSpan.FromSeconds(waited), _clock.GetUtcNow() - start);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"access_token\":1}")]
    [InlineData("no JSON")]
    public async Task An_answer_without_a_bearer_is_named(string answer)
    {
        _token = answer;
        var failure = await Assert.ThrowsAsync<OperatorException>(() => SignInAsync(_gateway.LocalUrl));
        Assert.Contains("has no access_token", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public async Task A_notice_cannot_write_to_the_terminal_what_it_likes()
    {
        _notice = "red \u001b[31m\nalert";
        await SignInAsync(_gateway.LocalUrl);
        Assert.DoesNotContain('\u001b', _messages.ToString());
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("ftp://localhost")]
    [InlineData("http://localhost:8080/device")]
    [InlineData("http://user@localhost:8080")]
    [InlineData("")]
    public async Task What_is_no_address_is_refused_before_anything_is_sent(string url)
    {
        var failure = await Assert.ThrowsAsync<OperatorException>(() => SignInAsync(url));
        Assert.Contains("not a gateway's address", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreachable_gateway_is_named()
    {
        _gateway.Refuse();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => SignInAsync(_gateway.LocalUrl));
        Assert.Contains(_gateway.LocalUrl + " cannot be reached", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Https_to_a_gateway_without_TLS_says_so()
    {
        await using var plain = await DevServer.StartAsync(
            0, "test", _ => _ => Task.CompletedTask, CancellationToken.None);
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => SignInAsync(plain.Url.Replace("http:", "https:", StringComparison.Ordinal)));
        Assert.Contains("cannot be reached", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("inner exception", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_under_another_name_is_refused_with_the_right_one()
    {
        _issuer = "https://gateway.example.com";
        var failure = await Assert.ThrowsAsync<OperatorException>(() => SignInAsync(_gateway.LocalUrl));
        Assert.Contains("https://gateway.example.com", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
    }

    private async Task<int> SignInAsync(string url)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        return await new LoginCommand(http, _clock, _output, _messages).SignInAsync(url, CancellationToken.None);
    }

    private Task AnswerAsync(FakeExchange exchange)
    {
        var url = _gateway.LocalUrl;
        switch (exchange.Request.Path)
        {
            case "/.well-known/oauth-authorization-server":
                return exchange.RespondJsonAsync(200, new
                {
                    issuer = _issuer ?? url,
                    device_authorization_endpoint = url + "/da",
                    token_endpoint = url + "/token",
                });
            case "/da":
                return exchange.RespondJsonAsync(200, new
                {
                    device_code = "dc",
                    user_code = "BCDF-GHJK",
                    verification_uri = url + "/device",
                    verification_uri_complete = url + "/device?user_code=BCDF-GHJK",
                    expires_in = 600,
                    interval = _interval,
                    login_notice = _notice,
                });
            case "/token" when _polls.TryDequeue(out var poll):
                return exchange.RespondJsonAsync(poll.Status, poll.Body);
            case "/token" when _token is not null:
                return exchange.RespondAsync(200, _token);
            case "/token":
                return exchange.RespondJsonAsync(200, new
                {
                    access_token = "the-bearer",
                    token_type = "Bearer",
                    expires_in = 3600,
                });
            default:
                return exchange.RespondAsync(404, "not found");
        }
    }
}
