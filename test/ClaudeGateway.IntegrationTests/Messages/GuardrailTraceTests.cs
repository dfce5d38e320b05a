using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// <c>guardrail_trace</c> through a whole gateway: what Bedrock is asked, what the developer sees, what the audit says.
/// </summary>
public sealed class GuardrailTraceTests : IAsyncDisposable
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string Action = "\"amazon-bedrock-guardrailAction\":\"INTERVENED\"";
    private const string Trace = """
        "amazon-bedrock-trace":{"guardrail":{"modelOutput":["secret-output"],"input":{"gr1":{"sensitiveInformationPolicy":{"piiEntities":[{"type":"EMAIL","match":"secret-match","action":"ANONYMIZED","detected":true}]}}}}}
        """;

    private const string Filter =
        """{"side":"input","guardrail":"gr1","policy":"sensitiveInformationPolicy.piiEntities","action":"ANONYMIZED","type":"EMAIL"}""";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _bedrock = new();
    private readonly FakeUpstream _anthropic = new();

    [Fact]
    public async Task The_trace_is_asked_for_with_a_signed_header_of_the_gateways_own()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(e => e.RespondAsync(200, """{"type":"message"}""", ("content-type", "application/json")));
        using var response = await gateway.PostJsonAsync(
            "/v1/messages",
            Body(),
            (await gateway.SignInAsync()).AccessToken,
            ("x-amzn-bedrock-trace", "ENABLED_FULL"));

        var check = SigV4Check.Of(_bedrock.Requests[0], SecretKey);
        Assert.Equal("ENABLED", _bedrock.Requests[0].Header("x-amzn-bedrock-trace"));
        Assert.True(check.Valid);
        Assert.Contains("x-amzn-bedrock-trace", check.SignedHeaders);
    }

    [Fact]
    public async Task A_whole_answer_loses_its_trace_and_the_audit_gains_its_filters()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(
            e =>
                e.RespondAsync(
                    200,
                    $$"""{"type" : "message", {{Trace}}, {{Action}}, "n":1.0}""",
                    ("content-type", "application/json")));
        using var response = await PostAsync(gateway);

        Assert.Equal($$"""{"type" : "message", {{Action}}, "n":1.0}""", await response.Content.ReadAsStringAsync());
        var audit = await gateway.Log.AuditAsync("guardrail.trace");
        Assert.Equal(
            ["ts", "evt", "request_id", "sub", "email", "upstream", "action", "filters"],
            audit.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            ("bedrock", "INTERVENED", $"[{Filter}]"),
            (
                audit.GetProperty("upstream").GetString(),
                audit.GetProperty("action").GetString(),
                audit.GetProperty("filters").GetRawText()));
        Assert.Equal(
            (await gateway.Log.AuditAsync("inference")).GetProperty("request_id").GetString(),
            audit.GetProperty("request_id").GetString());
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("secret-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stream_loses_its_traces_and_is_told_once()
    {
        await using var gateway = await StartAsync();
        var events = Events();
        _bedrock.Next(
            e => StreamAsync(e, [.. events.Select(json => EventStreamFrames.Chunk($"{json[..^1]},{Trace}}}"))]));
        using var response = await PostAsync(gateway, stream: true);

        Assert.Equal(
            string.Concat(FakeUpstream.MessageEvents("m").Select(Encoding.UTF8.GetString)),
            await response.Content.ReadAsStringAsync());
        await gateway.Log.AuditAsync("inference.end");
        Assert.Equal(
            $"[{Filter}]", Assert.Single(gateway.Log.Audit("guardrail.trace")).GetProperty("filters").GetRawText());
    }

    [Fact]
    public async Task What_was_found_is_told_when_the_client_leaves_or_the_stream_breaks()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
            await e.WriteAsync(EventStreamFrames.Chunk($"{Events()[0][..^1]},{Trace}}}"));
            await e.ClientGone;
        });
        var left = await PostAsync(gateway, stream: true);
        left.Dispose();
        Assert.Equal(
            $"[{Filter}]", (await gateway.Log.AuditAsync("guardrail.trace")).GetProperty("filters").GetRawText());

        _bedrock.Next(
            e =>
                StreamAsync(
                    e,
                    [
                        EventStreamFrames.Chunk($"{Events()[0][..^1]},{Trace}}}"),
                        EventStreamFrames.Exception("throttlingException", "slow")]));
        using var broken = await PostAsync(gateway, stream: true);
        Assert.Equal(
            $"[{Filter}]", (await gateway.Log.AuditAsync("guardrail.trace", 2)).GetProperty("filters").GetRawText());
    }

    [Theory]
    [InlineData(400)]
    [InlineData(503)]
    public async Task A_refusal_is_no_answer_of_the_guardrails(int status)
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(
            e =>
                e.RespondAsync(
                    status, $$"""{"message":"no",{{Action}},{{Trace}}}""", ("content-type", "application/json")));
        using var refused = await PostAsync(gateway);
        Assert.DoesNotContain("secret-", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        _bedrock.Next(
            e => e.RespondAsync(200, $$"""{"type":"message",{{Action}}}""", ("content-type", "application/json")));
        using var answered = await PostAsync(gateway);
        await gateway.Log.AuditAsync("guardrail.trace");
        Assert.Empty(Assert.Single(gateway.Log.Audit("guardrail.trace")).GetProperty("filters").EnumerateArray());
    }

    [Fact]
    public async Task A_trace_that_found_nothing_is_not_told()
    {
        await using var gateway = await StartAsync();
        _bedrock.Next(
            e =>
                e.RespondAsync(
                    200,
                    """{"type":"message","amazon-bedrock-guardrailAction":"NONE","amazon-bedrock-trace":{"guardrail":{"input":{"gr1":{"invocationMetrics":{}}}}}}""",
                    ("content-type", "application/json")));
        using var response = await PostAsync(gateway);
        await gateway.Log.AuditAsync("inference.end");

        Assert.Equal(
            """{"type":"message","amazon-bedrock-guardrailAction":"NONE"}""",
            await response.Content.ReadAsStringAsync());
        Assert.Empty(gateway.Log.Audit("guardrail.trace"));
    }

    [Fact]
    public async Task A_body_that_steers_the_guardrail_is_refused_without_a_guardrail_too()
    {
        await using var gateway = await StartAsync();
        using var response = await gateway.PostJsonAsync(
            "/v1/messages", Body("\"amazon-bedrock-trace\":\"ENABLED\","), (await gateway.SignInAsync()).AccessToken);

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains(
            "amazon-bedrock-trace is not permitted: this gateway applies a guardrail to Bedrock requests",
            await response.Content.ReadAsStringAsync(),
            StringComparison.Ordinal);
        Assert.Empty(_bedrock.Requests);
    }

    [Fact]
    public async Task Without_the_key_nothing_is_asked_and_nothing_taken()
    {
        await using var gateway = await StartAsync(isTraced: false);
        var answer = $$"""{"type":"message",{{Action}},{{Trace}}}""";
        _bedrock.Next(e => e.RespondAsync(200, answer, ("content-type", "application/json")));
        using var response = await PostAsync(gateway);
        await gateway.Log.AuditAsync("inference.end");

        Assert.Null(_bedrock.Requests[0].Header("x-amzn-bedrock-trace"));
        Assert.Equal(answer, await response.Content.ReadAsStringAsync());
        Assert.Empty(gateway.Log.Audit("guardrail.trace"));
    }

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        await _bedrock.DisposeAsync();
        await _anthropic.DisposeAsync();
    }

    private static string Body(string more = "", bool stream = false) =>
        $$"""{ {{more}}"model":"claude-sonnet-4-6","max_tokens":64,"stream":{{JsonSerializer.Serialize(stream)}},"messages":[{"role":"user","content":"hi"}]}""";

    private static string[] Events() =>
        [.. FakeUpstream.MessageEvents("m").Select(e => Encoding.UTF8.GetString(e).Split("data: ", 2)[1].TrimEnd())];

    private static async Task StreamAsync(FakeExchange exchange, byte[][] frames)
    {
        await exchange.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
        foreach (var frame in frames)
        {
            await exchange.WriteAsync(frame);
        }

        await exchange.EndAsync();
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayHost gateway, bool stream = false) =>
        await gateway.PostJsonAsync("/v1/messages", Body(stream: stream), (await gateway.SignInAsync()).AccessToken);

    private Task<GatewayHost> StartAsync(bool isTraced = true)
    {
        var config = TestConfig.Create(_idp, [_anthropic]);
        var bedrock = new BedrockUpstreamConfig
        {
            Name = "bedrock",
            Region = "us-east-1",
            BaseUrl = _bedrock.Url,
            Auth = new AwsAuth { AccessKeyId = new Secret("AKID"), SecretAccessKey = new Secret(SecretKey) },
            GuardrailTrace = isTraced,
        };
        return GatewayHost.StartAsync(config with { Upstreams = [bedrock] });
    }
}
