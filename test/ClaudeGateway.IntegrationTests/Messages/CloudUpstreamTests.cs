using System.IO.Compression;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>Clouds behind a whole gateway: what passes the failover loop, the relay and the audit.</summary>
public sealed class CloudUpstreamTests : IAsyncDisposable
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _anthropic = new();
    private readonly FakeUpstream _bedrock = new();

    [Fact]
    public async Task A_stream_of_Bedrock_is_translated_and_its_request_signed()
    {
        await using var gateway = await StartAsync(alone: true);
        _bedrock.Next(e => StreamAsync(e, [.. Events().Select(EventStreamFrames.Chunk)]));
        using var response = await SendAsync(gateway, stream: true);
        var events = await response.Content.ReadAsStringAsync();

        Assert.Equal(string.Concat(FakeUpstream.MessageEvents("m").Select(Encoding.UTF8.GetString)), events);
        Assert.True(SigV4Check.Of(_bedrock.Requests[0], SecretKey).Valid);
        var audit = await gateway.Log.AuditAsync("inference");
        Assert.Equal(
            ("amzn-1", "amzn-1"),
            (
                audit.GetProperty("upstream_request_id").GetString(),
                audit.GetProperty("upstream_cloud_request_id").GetString()));
        Assert.DoesNotContain(response.Headers, h => h.Key.StartsWith("x-amzn", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("throttlingException")]
    [InlineData("internalServerException")]
    public async Task An_exception_in_the_first_frame_fails_over(string exception)
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(e => StreamAsync(e, [EventStreamFrames.Exception(exception, "secret")]));
        using var response = await SendAsync(gateway, stream: true);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(_anthropic.Requests);
        Assert.Contains("secret", await gateway.Log.LineAsync("upstream stream error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_throttled_stream_without_another_upstream_is_a_429()
    {
        await using var gateway = await StartAsync(alone: true);
        _bedrock.Next(e => StreamAsync(e, [EventStreamFrames.Exception("throttlingException", "secret")]));
        using var response = await SendAsync(gateway, stream: true);

        Assert.Equal(429, (int)response.StatusCode);
        Assert.Contains("\"rate_limit_error\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_stream_fails_over()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(e => StreamAsync(e, []));
        using var response = await SendAsync(gateway, stream: true);

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(_anthropic.Requests);
    }

    [Fact]
    public async Task A_cut_stream_ends_with_one_error_event_of_the_gateways_own()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
            await e.WriteAsync(EventStreamFrames.Chunk(Events()[0]));
            await Delivered.Task;
            e.Reset();
        });
        using var response = await SendAsync(gateway, stream: true);
        await using var body = await response.Content.ReadAsStreamAsync();
        using var reader = new StreamReader(body);
        Assert.Equal("event: message_start", await reader.ReadLineAsync());
        Delivered.SetResult();
        var rest = await reader.ReadToEndAsync();

        var id = response.Headers.GetValues("x-request-id").Single();
        Assert.EndsWith(
            "event: error\ndata: "
                + $"{{\"type\":\"error\",\"request_id\":\"{id}\",\"error\":{{\"type\":\"api_error\",\"message\":\"upstream error\"}}}}\n\n",
            rest,
            StringComparison.Ordinal);
        Assert.Empty(_anthropic.Requests);
        Assert.Equal("upstream_cut", (await gateway.Log.AuditAsync("inference.end")).GetProperty("end").GetString());
    }

    [Fact]
    public async Task A_client_that_leaves_ends_the_request_at_the_cloud()
    {
        await using var gateway = await StartAsync(alone: true);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bedrock.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
            await e.WriteAsync(EventStreamFrames.Chunk(Events()[0]));
            await e.ClientGone;
            gone.SetResult();
        });
        var response = await SendAsync(gateway, stream: true);
        response.Dispose();

        await gone.Task.WaitAsync(Signal.Timeout);
    }

    [Fact]
    public async Task Retry_after_of_a_429_reaches_the_client()
    {
        await using var gateway = await StartAsync(alone: true);
        _bedrock.Next(
            e =>
                e.RespondJsonAsync(
                    429,
                    new { message = "account 111122223333" },
                    ("retry-after", "17"),
                    ("x-amzn-requestid", "amzn-1")));
        using var response = await SendAsync(gateway);

        Assert.Equal((429, "17"), ((int)response.StatusCode, response.Headers.GetValues("retry-after").Single()));
        Assert.DoesNotContain("111122223333", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_Bedrock_does_not_have_fails_over()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(e => e.RespondJsonAsync(400, new { message = "The provided model identifier is invalid." }));
        using var response = await SendAsync(gateway);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Single(_anthropic.Requests);
    }

    [Fact]
    public async Task A_refused_beta_that_is_not_named_is_left_out_once_and_audited()
    {
        await using var gateway = await StartAsync(alone: true);
        var bearer = (await gateway.SignInAsync()).AccessToken;
        _bedrock.Next(e => e.RespondJsonAsync(400, new { message = "invalid beta flag" }));
        _bedrock.Next(e => StreamAsync(e, [.. Events().Select(EventStreamFrames.Chunk)]));
        using var response = await gateway.SendMessageAsync(
            bearer, stream: true, headers: ("anthropic-beta", "unknown-2026-01-01"));

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(2, _bedrock.Requests.Count);
        Assert.All(_bedrock.Requests, request => Assert.True(SigV4Check.Of(request, SecretKey).Valid));
        Assert.DoesNotContain("anthropic_beta", _bedrock.Requests[1].Text, StringComparison.Ordinal);
        var audit = await gateway.Log.AuditAsync("upstream.adapted");
        Assert.Equal(
            ("bedrock", "us.anthropic.claude-sonnet-4-6", "unknown-2026-01-01", 200),
            (
                audit.GetProperty("upstream").GetString(), audit.GetProperty("upstream_model").GetString(),
                audit.GetProperty("refused_beta").GetString(), audit.GetProperty("status").GetInt32()));
        Assert.Equal(
            (await gateway.Log.AuditAsync("inference")).GetProperty("request_id").GetString(),
            audit.GetProperty("request_id").GetString());
    }

    [Fact]
    public async Task An_answer_that_is_no_JSON_fails_over()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(e => e.RespondAsync(200, "<html>", ("content-type", "text/html")));
        using var response = await SendAsync(gateway);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Single(_anthropic.Requests);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task An_answer_encoded_unasked_is_decoded_or_fails_over(bool isWhole, int failedOver)
    {
        await using var gateway = await StartAsync();
        using var encoded = new MemoryStream();
        await using (var gzip = new GZipStream(encoded, CompressionMode.Compress, leaveOpen: true))
        {
            await gzip.WriteAsync("""{"type":"message"}"""u8.ToArray());
        }

        _bedrock.Next(
            e =>
                e.RespondAsync(
                    200,
                    isWhole ? encoded.ToArray() : "not gzip"u8.ToArray(),
                    ("content-type", "application/json"),
                    ("content-encoding", "gzip")));
        using var response = await SendAsync(gateway);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(failedOver, _anthropic.Requests.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _anthropic.DisposeAsync();
        await _bedrock.DisposeAsync();
    }

    private TaskCompletionSource Delivered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static string[] Events() =>
        [.. FakeUpstream.MessageEvents("m").Select(e => Encoding.UTF8.GetString(e).Split("data: ", 2)[1].TrimEnd())];

    private static async Task StreamAsync(FakeExchange exchange, byte[][] frames)
    {
        await exchange.StartAsync(
            200, ("content-type", "application/vnd.amazon.eventstream"), ("x-amzn-requestid", "amzn-1"));
        foreach (var frame in frames)
        {
            await exchange.WriteAsync(frame);
        }

        await exchange.EndAsync();
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayHost gateway, bool stream = false) =>
        await gateway.SendMessageAsync((await gateway.SignInAsync()).AccessToken, stream: stream);

    private Task<GatewayHost> StartAsync(bool alone = false)
    {
        var config = TestConfig.Create(_idp, [_anthropic]);
        var bedrock = new BedrockUpstreamConfig
        {
            Name = "bedrock",
            Region = "us-east-1",
            BaseUrl = _bedrock.Url,
            Auth = new AwsAuth { AccessKeyId = new Secret("AKID"), SecretAccessKey = new Secret(SecretKey) },
        };
        return GatewayHost.StartAsync(config with { Upstreams = alone ? [bedrock] : [bedrock, .. config.Upstreams] });
    }
}
