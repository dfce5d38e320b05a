using ClaudeGateway.Cli;
using ClaudeGateway.Dev;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Boot;

public sealed class HealthCommandTests : IAsyncDisposable
{
    private readonly FakeServer _gateway;
    private readonly ManualTimeProvider _clock = new();
    private readonly StringWriter _output = new();
    private Func<FakeExchange, Task> _answer = exchange =>
        exchange.RespondAsync(200, exchange.Request.Path == "/readyz" ? "ready" : "ok");

    public HealthCommandTests() => _gateway = new FakeServer(exchange => _answer(exchange));

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Theory]
    [InlineData(false, "/healthz", "ok")]
    [InlineData(true, "/readyz", "ready")]
    public async Task A_gateway_that_is_well_is_quoted(bool ready, string path, string said)
    {
        await AskAsync(_gateway.LocalUrl, ready);
        Assert.Equal(path, _gateway.Requests.Single().Path);
        Assert.Equal(said, _output.ToString().Trim());
    }

    [Theory]
    [InlineData(503, "store unavailable\u001b[31m", "/readyz answered 503: store unavailable [31m")]
    [InlineData(404, "no such page", "/readyz answered 404: no such page")]
    [InlineData(302, "", "/readyz answered 302: ")]
    public async Task Any_other_answer_is_the_reason(int status, string body, string said)
    {
        _answer = exchange => exchange.RespondAsync(status, body, ("location", "/healthz"));
        var failure = await Assert.ThrowsAsync<OperatorException>(() => AskAsync(_gateway.LocalUrl, ready: true));
        Assert.EndsWith(said, failure.Message, StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public async Task A_body_without_end_is_cut()
    {
        _answer = async exchange =>
        {
            await exchange.StartAsync(503);
            await exchange.WriteAsync(new string('x', 1000));
            await exchange.ClientGone;
        };
        var failure = await Assert.ThrowsAsync<OperatorException>(() => AskAsync(_gateway.LocalUrl));
        Assert.EndsWith("answered 503: " + new string('x', 200), failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_gateway_that_keeps_silent_is_not_waited_for(bool afterHeaders)
    {
        _answer = async exchange =>
        {
            if (afterHeaders)
            {
                await exchange.StartAsync(200);
            }

            await exchange.ClientGone;
        };
        var asking = AskAsync(_gateway.LocalUrl);
        await _gateway.RequestCountAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(3));
        var failure = await Assert.ThrowsAsync<OperatorException>(() => asking.WaitAsync(Signal.Timeout));
        Assert.EndsWith("did not answer within 3 s", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_question_is_no_finding()
    {
        using var interrupted = new CancellationTokenSource();
        _answer = async exchange => await exchange.ClientGone;
        var asking = AskAsync(_gateway.LocalUrl, cancellation: interrupted.Token);
        await _gateway.RequestCountAsync(1);
        await interrupted.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Signal.Timeout));
    }

    [Fact]
    public async Task Nobody_there_is_said_with_the_address()
    {
        _gateway.Refuse();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => AskAsync(_gateway.LocalUrl));
        Assert.StartsWith($"{_gateway.LocalUrl}/healthz cannot be asked: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task This_machine_is_asked_past_a_proxy() =>
        await AskAsync(_gateway.LocalUrl, false, default, ("HTTP_PROXY", "http://127.0.0.1:1"));

    [Fact]
    public async Task The_certificate_of_this_machine_need_not_name_its_address()
    {
        using var files = new CertificateFiles("claude.example.com");
        using var certificate = files.Load();
        await using var tls = new TcpRelay(_gateway.Port, certificate);
        await AskAsync($"https://127.0.0.1:{tls.Port}");
        Assert.Equal("ok", _output.ToString().Trim());
    }

    [Fact]
    public async Task Https_to_a_gateway_without_TLS_is_said()
    {
        await using var plain = await DevServer.StartAsync(
            0, "test", _ => _ => Task.CompletedTask, CancellationToken.None);
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => AskAsync(plain.Url.Replace("http:", "https:", StringComparison.Ordinal)));
        Assert.Contains("https where listen.tls is set", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, 0, null)]
    [InlineData(503, 1, "claude gateway: ")]
    public async Task The_program_ends_with_0_or_1(int status, int code, string? said)
    {
        _answer = exchange => exchange.RespondAsync(status, "as told");
        await using var program = GatewayProcess.Start(
            Path.GetTempPath(), null, "health", "--ready", "--url", _gateway.LocalUrl);
        Assert.Equal(code, await program.ExitCodeAsync());
        Assert.Equal(said is null ? ["as told"] : [], program.Output.Lines);
        Assert.Equal(
            said is null ? [] : [$"{said}{_gateway.LocalUrl}/readyz answered {status}: as told"], program.Errors.Lines);
    }

    [Theory]
    [InlineData("--timeout", "0", "--timeout takes whole seconds from 1 to 300")]
    [InlineData("--timeout", "soon", "--timeout takes whole seconds from 1 to 300")]
    [InlineData("--url", "localhost", "is not a gateway's address")]
    public async Task Wrong_arguments_are_named(string option, string value, string said)
    {
        await using var program = GatewayProcess.Start(Path.GetTempPath(), null, "health", option, value);
        Assert.Equal(1, await program.ExitCodeAsync());
        Assert.Contains(program.Errors.Lines, line => line.Contains(said, StringComparison.Ordinal));
    }

    private Task AskAsync(
        string url,
        bool ready = false,
        CancellationToken cancellation = default,
        params (string Name, string Value)[] environment) =>
        new HealthCommand(
            new ProcessEnvironment(environment.ToDictionary(pair => pair.Name, pair => pair.Value)), _clock, _output)
            .AskAsync(new HealthOptions(url, ready, TimeSpan.FromSeconds(3)), cancellation);
}
