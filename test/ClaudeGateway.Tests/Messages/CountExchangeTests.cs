using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Messages;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Messages;

/// <summary>Equal token counts in flight; each call here has joined or asked when it returns its task.</summary>
public sealed class CountExchangeTests : IDisposable
{
    private const string Body = """{"model":"m","messages":[]}""";

    private static readonly InferenceMeters Meters = new(new GatewayMeter(), new GroupLabels([]));

    private readonly CloudCalls _calls = new();
    private readonly CapturedLog _log = new();
    private readonly StderrLines _lines;
    private readonly Counting _upstream = new();
    private readonly CountExchange _counts;

    public CountExchangeTests()
    {
        _lines = new StderrLines(_log);
        var clock = TimeProvider.System;
        _counts = new CountExchange(
            new ModelRoutes(new ModelCatalog([], true), [_upstream]),
            UpstreamExchange.Places(1),
            new FailoverLoop(Meters, clock, _calls.Operational),
            clock,
            new InferenceAudit(new AuditLog(_lines, clock), Meters, false, clock));
    }

    [Fact]
    public async Task Equal_counts_are_asked_once_and_each_is_answered_and_audited()
    {
        var asked = Enumerable.Range(0, 50).Select(i => Start("alice", Body)).ToArray();
        Assert.Single(_upstream.Asked);
        _upstream.Answer(200, """{"input_tokens":7}""");
        await Task.WhenAll(asked.Select(count => count.Running)).WaitAsync(Signal.Timeout);

        Assert.All(asked, count => Assert.Equal("""{"input_tokens":7}""", Text(count.Http)));
        Assert.Equal(
            50, asked.Select(count => count.Http.Response.Headers["request-id"].ToString()).Distinct().Count());
        await _log.AuditAsync("inference", 50);
        Assert.All(
            _log.Audit("inference"), audit => Assert.Equal("counting", audit.GetProperty("upstream").GetString()));
        Assert.Single(_upstream.Asked);

        // Nothing is kept: the next one asks anew.
        var next = Start("alice", Body);
        Assert.Equal(2, _upstream.Asked.Count);
        _upstream.Answer(200, "{}");
        await next.Running.WaitAsync(Signal.Timeout);
    }

    [Theory]
    [InlineData("bob", Body, null)]
    [InlineData("alice", Body + " ", null)]
    [InlineData("alice", Body, "context-1m-2025-08-07")]
    public async Task Another_person_body_or_beta_is_another_count(string sub, string body, string? betas)
    {
        var first = Start("alice", Body);
        var other = Start(sub, body, betas);
        _upstream.Answer(200, "{}");
        await first.Running.WaitAsync(Signal.Timeout);
        // The one place there is was taken.
        await _upstream.AskedAsync(2).WaitAsync(Signal.Timeout);
        _upstream.Answer(200, "{}");
        await other.Running.WaitAsync(Signal.Timeout);

        Assert.Equal(200, other.Http.Response.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_leaves_takes_nothing_from_the_others(bool isFirst)
    {
        var first = Start("alice", Body);
        var second = Start("alice", Body);
        var (leaver, stayer) = isFirst ? (first, second) : (second, first);
        await leaver.Left.CancelAsync();
        Assert.False(_upstream.Asked[0].IsCancellationRequested);
        _upstream.Answer(200, """{"input_tokens":7}""");
        await Task.WhenAll(first.Running, second.Running).WaitAsync(Signal.Timeout);

        Assert.Equal("""{"input_tokens":7}""", Text(stayer.Http));
        await _log.AuditAsync("inference", 2);
        Assert.Equal(
            [200, 499], _log.Audit("inference").Select(audit => audit.GetProperty("status").GetInt32()).Order());
    }

    [Fact]
    public async Task When_all_have_left_the_upstream_is_left_too()
    {
        var first = Start("alice", Body);
        var second = Start("alice", Body);
        await first.Left.CancelAsync();
        await second.Left.CancelAsync();
        await Task.WhenAll(first.Running, second.Running).WaitAsync(Signal.Timeout);
        Assert.True(_upstream.Asked[0].IsCancellationRequested);

        var third = Start("alice", Body);
        await _upstream.AskedAsync(2).WaitAsync(Signal.Timeout);
        _upstream.Answer(200, """{"input_tokens":7}""");
        await third.Running.WaitAsync(Signal.Timeout);
        Assert.Equal("""{"input_tokens":7}""", Text(third.Http));
    }

    [Theory]
    [InlineData(400, 400)]
    [InlineData(429, 429)]
    [InlineData(500, 502)]
    public async Task An_error_is_everybodys(int status, int shown)
    {
        var asked = Enumerable.Range(0, 3).Select(i => Start("alice", Body)).ToArray();
        _upstream.Answer(status, "{}");
        await Task.WhenAll(asked.Select(count => count.Running)).WaitAsync(Signal.Timeout);

        Assert.All(asked, count => Assert.Equal(shown, count.Http.Response.StatusCode));
        Assert.Single(_upstream.Asked);
    }

    public void Dispose()
    {
        _calls.Dispose();
        _lines.Dispose();
        _log.Dispose();
    }

    private (Task Running, HttpContext Http, CancellationTokenSource Left) Start(
        string sub, string body, string? betas = null)
    {
        var left = new CancellationTokenSource();
        var http = new DefaultHttpContext { RequestAborted = left.Token };
        http.Response.Body = new MemoryStream();
        if (betas is not null)
        {
            http.Request.Headers["anthropic-beta"] = betas;
        }

        var call = new UpstreamCall(
            new GatewayRequest(http, Guid.NewGuid().ToString(), System.Net.IPAddress.Loopback, 0),
            new Principal(sub, null, null, []) { ExpiresAt = DateTimeOffset.MaxValue },
            MessagesRequest.Read(Encoding.UTF8.GetBytes(body)).Request!,
            MessagesOperation.CountTokens,
            StripTags: false);
        var exchange = new Exchange(
            call, null!, new CatalogModel("m", null, null), [new RouteTarget(_upstream, "m")], default, null);
        return (_counts.RunAsync(exchange), http, left);
    }

    private static string Text(HttpContext http) =>
        Encoding.UTF8.GetString(((MemoryStream)http.Response.Body).ToArray());

    private sealed class Counting() : Upstream(new AnthropicUpstreamConfig
    {
        Name = "counting",
        Auth = new AnthropicAuth.ApiKey(new Secret("k")),
    })
    {
        private readonly Signal _changed = new();
        private TaskCompletionSource<(int, string)> _answer = new();

        public List<CancellationToken> Asked { get; } = [];

        public Task AskedAsync(int count) => _changed.UntilAsync(() => Asked.Count >= count, "requests");

        public void Answer(int status, string json)
        {
            var answer = _answer;
            _answer = new TaskCompletionSource<(int, string)>();
            answer.SetResult((status, json));
        }

        public override string? BuiltInModelId(BuiltInModel model) => null;

        public override TimeSpan? FirstByteTimeout(UpstreamCall call) => null;

        public override async Task<UpstreamResponse> SendAsync(
            UpstreamCall call, string modelId, CancellationToken cancellation)
        {
            Asked.Add(cancellation);
            var answer = _answer;
            _changed.Set();
            var (status, json) = await answer.Task.WaitAsync(cancellation);
            return new WholeAnswer(this, null, status, Encoding.UTF8.GetBytes(json));
        }
    }
}
