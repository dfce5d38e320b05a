using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Credentials;

public sealed class FederationTokensTests
{
    [Theory]
    [InlineData("""{"access_token":"t","token_type":"bearer","expires_in":3600}""")]
    [InlineData("""{"access_token":"t","expires_in":"3600"}""")]
    [InlineData("""{"access_token":"t","token_type":null,"expires_in":3600.5}""")]
    public async Task A_token_is_kept_for_the_time_its_answer_says(string answer)
    {
        using var exchange = new Exchange(answer);

        Assert.Equal("t", await exchange.Tokens.GetAsync(default));
        exchange.Clock.Advance(TimeSpan.FromSeconds(3400));
        Assert.Equal("t", await exchange.Tokens.GetAsync(default));
        Assert.Equal(1, exchange.Count);
    }

    [Theory]
    [InlineData("""{"token_type":"Bearer","expires_in":3600}""")]
    [InlineData("""{"access_token":"","token_type":"Bearer","expires_in":3600}""")]
    [InlineData("""{"access_token":"t","token_type":"mac","expires_in":3600}""")]
    [InlineData("""{"access_token":"t","token_type":5,"expires_in":3600}""")]
    [InlineData("""{"access_token":"t","token_type":"Bearer"}""")]
    [InlineData("""{"access_token":"t","token_type":"Bearer","expires_in":"soon"}""")]
    [InlineData("""{"access_token":"t","token_type":"Bearer","expires_in":"\ud800"}""")]
    [InlineData("""{"access_token":"t","token_type":"\ud800","expires_in":3600}""")]
    [InlineData("""{"access_token":"\ud800","token_type":"Bearer","expires_in":3600}""")]
    [InlineData("[]")]
    [InlineData("nonsense")]
    public async Task An_answer_without_a_usable_token_is_a_failed_exchange(string answer)
    {
        using var exchange = new Exchange(answer);

        await Assert.ThrowsAsync<UpstreamUnavailableException>(() => exchange.Tokens.GetAsync(default).AsTask());
    }

    [Fact]
    public async Task An_empty_token_file_is_not_exchanged()
    {
        using var exchange = new Exchange("{}", " \n");

        await Assert.ThrowsAsync<UpstreamUnavailableException>(() => exchange.Tokens.GetAsync(default).AsTask());
        Assert.Equal(0, exchange.Count);
    }

    [Fact]
    public async Task A_token_near_its_end_is_renewed_while_requests_go_out_with_it()
    {
        using var exchange = new Exchange("""{"access_token":"t","token_type":"Bearer","expires_in":3600}""");
        await exchange.Tokens.GetAsync(default);
        exchange.Clock.Advance(TimeSpan.FromSeconds(3500));
        exchange.Gate = new TaskCompletionSource();

        Assert.Equal("t", await exchange.Tokens.GetAsync(default));
        await exchange.Asked.Task.WaitAsync(TimeSpan.FromSeconds(30));

        exchange.Gate.SetResult();
    }

    [Fact]
    public async Task A_token_about_to_end_is_waited_for()
    {
        using var exchange = new Exchange("""{"access_token":"t","token_type":"Bearer","expires_in":30}""");

        await exchange.Tokens.GetAsync(default);
        await exchange.Tokens.GetAsync(default);

        Assert.Equal(2, exchange.Count);
    }

    [Fact]
    public async Task A_renewal_that_fails_begins_again_only_after_a_pause()
    {
        using var exchange = new Exchange("""{"access_token":"t","token_type":"Bearer","expires_in":3600}""");
        await exchange.Tokens.GetAsync(default);
        exchange.Answer = "nonsense";
        exchange.Clock.Advance(TimeSpan.FromSeconds(3500));

        await exchange.Tokens.GetAsync(default);
        await exchange.Counted.UntilAsync(() => exchange.Count == 2, "the failing renewal");
        // The failure is noted a moment after its answer: a request in between joins the exchange that fails.
        await Assert.ThrowsAsync<UpstreamUnavailableException>(() => exchange.Tokens.RenewAsync("t", default).AsTask());
        var failed = exchange.Count;
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal("t", await exchange.Tokens.GetAsync(default));
        }

        Assert.Equal(failed, exchange.Count);
    }

    [Fact]
    public async Task A_refused_token_is_exchanged_once_for_all_whom_it_was_refused()
    {
        using var exchange = new Exchange("""{"access_token":"old","token_type":"Bearer","expires_in":3600}""");
        await exchange.Tokens.GetAsync(default);
        exchange.Answer = """{"access_token":"new","token_type":"Bearer","expires_in":3600}""";

        var renewed = await Task
            .WhenAll(Enumerable.Range(0, 20).Select(_ => exchange.Tokens.RenewAsync("old", default).AsTask()));

        Assert.All(renewed, token => Assert.Equal("new", token));
        Assert.Equal("new", await exchange.Tokens.RenewAsync("old", default));
        Assert.Equal(2, exchange.Count);
    }

    private sealed class Exchange : HttpMessageHandler
    {
        private readonly TemporaryFolder _folder = new();
        private readonly HttpMessageInvoker _http;
        private int _count;

        public Exchange(string answer, string identityToken = "jwt")
        {
            Answer = answer;
            var file = _folder.File("token");
            File.WriteAllText(file, identityToken);
            _http = new HttpMessageInvoker(this, disposeHandler: false);
            Tokens = new FederationTokens(
                new AnthropicAuth.Federation("rule", "org", file, null, null), "http://upstream", _http, Clock);
        }

        public ManualTimeProvider Clock { get; } = new();

        public FederationTokens Tokens { get; }

        public int Count => _count;

        public Signal Counted { get; } = new();

        public string Answer { get; set; }

        /// <summary>Set when an exchange has been held up by <see cref="Gate"/>.</summary>
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource? Gate { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            Counted.Set();
            if (Gate is { } gate)
            {
                Asked.TrySetResult();
                await gate.Task.WaitAsync(cancellationToken);
            }

            var content = new StringContent(Answer, Encoding.UTF8, "application/json");
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _http.Dispose();
                _folder.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
