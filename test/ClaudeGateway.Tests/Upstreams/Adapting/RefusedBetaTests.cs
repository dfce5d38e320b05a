using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Upstreams.Adapting;

/// <summary>What a cloud is sent that refuses betas without naming them.</summary>
public sealed class RefusedBetaTests : IDisposable
{
    private const string Served =
        """{"id":"msg_1","type":"message","content":[],"inputTokens":7,"usage":{"input_tokens":1}}""";
    private const string Unnamed = """{"message":"The model returned the following errors: invalid beta flag"}""";

    private readonly CloudCalls _calls = new();
    private readonly List<(string? Header, string Body)> _sent = [];

    [Theory]
    [InlineData(Unnamed)]
    [InlineData("""{"message":"invalid beta flag"}""")]
    [InlineData("""{"type":"error","error":{"type":"invalid_request_error","message":"invalid beta flag"}}""")]
    public async Task A_refusal_that_names_no_beta_is_answered_by_one_request_without_those_not_yet_accepted(
        string refusal)
    {
        var upstream = Bedrock(body => Betas(body).Contains("bad") ? refusal : null);
        await AskAsync(upstream, "good");
        var (status, call) = await AskAsync(upstream, "good, bad");

        Assert.Equal(200, status);
        Assert.Equal([["good"], ["good", "bad"], ["good"]], _sent.Select(sent => Betas(sent.Body)));
        var adaptation = Assert.Single(call.Adaptations!);
        Assert.Equal(("bedrock", "m", "bad", 200),
            (adaptation.Upstream, adaptation.Model, adaptation.LearntBeta, adaptation.Status));
        Assert.Equal(["bad"], adaptation.Betas);

        var (_, later) = await AskAsync(upstream, "good, bad");
        Assert.Equal(["good"], Betas(_sent[^1].Body));
        Assert.Null(later.Adaptations);
        Assert.Equal(4, _sent.Count);
    }

    [Fact]
    public async Task The_bad_one_among_several_is_found_by_later_requests()
    {
        var upstream = Bedrock(body => Betas(body).Contains("bad") ? Unnamed : null);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(200, (await AskAsync(upstream, "a,bad,b")).Status);
        }

        var before = _sent.Count;
        Assert.Equal(200, (await AskAsync(upstream, "a,bad,b")).Status);
        Assert.Equal(before + 1, _sent.Count);
        Assert.Equal(["a", "b"], Betas(_sent[^1].Body));
    }

    [Theory]
    [InlineData("""{"message":"Unexpected value(s) `bad` for the `anthropic-beta` header"}""",
        "capability_rejected: beta_header:bad")]
    [InlineData("""{"message":"invalid beta flag: bad"}""", "upstream rejected the request")]
    [InlineData("""{"message":"messages: invalid"}""", "upstream rejected the request")]
    public async Task A_refusal_that_names_one_or_is_about_something_else_is_the_clients(string refusal, string shown)
    {
        var upstream = Bedrock(_ => refusal);
        var call = Call("good,bad");
        using var response = await upstream.SendAsync(call, "m", CancellationToken.None);

        Assert.Equal(400, response.Status);
        Assert.Contains(shown, await CloudCalls.BodyAsync(response), StringComparison.Ordinal);
        Assert.Single(_sent);
        Assert.Null(call.Adaptations);
    }

    [Fact]
    public async Task A_cloud_that_refuses_whatever_is_sent_is_asked_twice_and_no_more()
    {
        var upstream = Bedrock(_ => Unnamed);
        var (status, call) = await AskAsync(upstream, "a,b");
        Assert.Equal((400, 2), (status, _sent.Count));
        Assert.Equal(400, Assert.Single(call.Adaptations!).Status);

        _sent.Clear();
        Assert.Equal(400, (await AskAsync(upstream, null)).Status);
        Assert.Single(_sent);
    }

    [Fact]
    public async Task Every_other_byte_of_the_body_stays_and_betas_of_the_body_itself_count_too()
    {
        var upstream = Bedrock(body => Betas(body).Contains("bad") ? Unnamed : null);
        const string Rest = "\"max_tokens\":1 , \"n\":12345678901234567890,\"messages\":[ ]";
        var call = CloudCalls.Call(
            "{\"model\":\"m\",\"anthropic_version\":\"v\",\"anthropic_beta\":[\"bad\"]," + Rest + "}",
            headers: ("anthropic-beta", "also"));
        using var response = await upstream.SendAsync(call, "m", CancellationToken.None);

        Assert.Equal(200, response.Status);
        Assert.Equal("{\"anthropic_version\":\"v\"," + Rest + "}", _sent[1].Body);
    }

    [Fact]
    public async Task Models_and_upstreams_are_told_apart()
    {
        var upstream = Bedrock(body => Betas(body).Contains("bad") ? Unnamed : null);
        await AskAsync(upstream, "bad");
        var call = Call("bad");
        using var response = await upstream.SendAsync(call, "other-model", CancellationToken.None);

        Assert.Equal(["bad"], Betas(_sent[2].Body));
        Assert.NotNull(call.Adaptations);
    }

    [Fact]
    public async Task A_cloud_that_reads_the_header_is_sent_another_one()
    {
        var upstream = Upstream(
            new MantleUpstreamConfig
            {
                Region = "us-east-1",
                Auth = new AwsAuth { BearerToken = new Secret("BEARER") },
                Models = ["*"],
            },
            (header, _) => header?.Contains("bad", StringComparison.Ordinal) == true ? Unnamed : null);
        await AskAsync(upstream, "good");
        await AskAsync(upstream, "good, bad");

        Assert.Equal(["good", "good,bad", "good"], _sent.Select(sent => sent.Header));
    }

    [Theory]
    [InlineData("\"context_management\":{\"edits\":[]},", "context_management: Extra inputs are not permitted",
        "context_management")]
    [InlineData("\"tools\":[{\"eager_input_streaming\":true,\"name\":\"a\"}],",
        "tools.0.custom.eager_input_streaming: Extra inputs are not permitted", "eager_input_streaming")]
    [InlineData("\"system\":[{\"cache_control\":{\"scope\":\"global\"},\"text\":\"a\"}],",
        "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted", "cache_control.scope")]
    public async Task A_field_that_is_an_extra_input_there_is_left_out_once_and_from_then_on(
        string field, string refusal, string name)
    {
        var word = name.Split('.')[^1];
        var upstream = Bedrock(body => body.Contains(word, StringComparison.Ordinal)
            ? "{\"message\":\"" + refusal + "\"}" : null);
        for (var i = 0; i < 2; i++)
        {
            var call = CloudCalls.Call(
                "{\"model\":\"m\"," + field + "\"max_tokens\":1,\"thinking\":{\"type\":\"adaptive\"},\"messages\":[]}");
            using var response = await upstream.SendAsync(call, "m", CancellationToken.None);

            Assert.Equal(200, response.Status);
            Assert.Equal(i == 0 ? [name] : null, call.Adaptations?.SelectMany(adaptation => adaptation.Fields));
        }

        Assert.Equal(3, _sent.Count);
        Assert.Equal(_sent[1], _sent[2]);
        Assert.Contains("\"thinking\":{\"type\":\"adaptive\"}", _sent[1].Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("thinking.type: Extra inputs are not permitted")]
    [InlineData("tools: Extra inputs are not permitted")]
    [InlineData("max_tokens: Extra inputs are not permitted")]
    [InlineData("context_management: Extra inputs are not permitted")]
    public async Task What_changes_the_question_or_is_not_there_is_never_left_out(string refusal)
    {
        var upstream = Bedrock(_ => "{\"message\":\"" + refusal + "\"}");
        var (status, call) = await AskAsync(upstream, null);

        Assert.Equal((400, 1), (status, _sent.Count));
        Assert.Null(call.Adaptations);
    }

    [Fact]
    public async Task A_field_goes_with_the_beta_that_announces_it()
    {
        var upstream = Bedrock(body => Betas(body).Contains("bad") ? Unnamed
            : body.Contains("context_management", StringComparison.Ordinal)
                && !Betas(body).Contains("context-management-2025-06-27")
                ? """{"message":"context_management: Extra inputs are not permitted"}""" : null);
        var call = CloudCalls.Call(
            """{"model":"m","context_management":{},"messages":[]}""",
            headers: ("anthropic-beta", "context-management-2025-06-27,bad"));
        using var response = await upstream.SendAsync(call, "m", CancellationToken.None);

        Assert.Equal((200, 2), (response.Status, _sent.Count));
        Assert.Equal(["context_management"], Assert.Single(call.Adaptations!).Fields);
    }

    [Fact]
    public async Task Token_counting_does_without_the_field_too()
    {
        var upstream = Bedrock(body =>
        {
            using var json = JsonDocument.Parse(body);
            var counted = json.RootElement.GetProperty("input").GetProperty("invokeModel").GetProperty("body");
            return Encoding.UTF8.GetString(counted.GetBytesFromBase64())
                .Contains("context_management", StringComparison.Ordinal)
                ? """{"message":"context_management: Extra inputs are not permitted"}""" : null;
        });
        for (var i = 0; i < 2; i++)
        {
            var call = CloudCalls.Call(
                """{"model":"m","context_management":{},"messages":[]}""", MessagesOperation.CountTokens);
            using var response = await upstream.SendAsync(call, "anthropic.m", CancellationToken.None);

            Assert.Equal("""{"input_tokens":7}""", await CloudCalls.BodyAsync(response));
            Assert.Equal(i == 0, call.Adaptations is not null);
        }

        Assert.Equal(3, _sent.Count);
    }

    public void Dispose() => _calls.Dispose();

    private Upstream Bedrock(Func<string, string?> refuse) => Upstream(
        new BedrockUpstreamConfig
        {
            Region = "us-east-1",
            Auth = new AwsAuth { BearerToken = new Secret("BEARER") },
        },
        (_, body) => refuse(body));

    private Upstream Upstream(UpstreamConfig config, Func<string?, string, string?> refuse) =>
        UpstreamList.Create(config, _calls.Context(new Cloud(_sent, refuse)));

    private static async Task<(int Status, UpstreamCall Call)> AskAsync(Upstream upstream, string? betas)
    {
        var call = Call(betas);
        using var response = await upstream.SendAsync(call, "m", CancellationToken.None);
        return (response.Status, call);
    }

    private static UpstreamCall Call(string? betas) => CloudCalls.Call(
        """{"model":"m","max_tokens":1,"messages":[]}""",
        headers: betas is null ? [] : [("anthropic-beta", betas)]);

    private static string[] Betas(string body)
    {
        using var json = JsonDocument.Parse(body);
        return json.RootElement.TryGetProperty("anthropic_beta", out var betas)
            ? [.. betas.EnumerateArray().Select(beta => beta.GetString()!)] : [];
    }

    private sealed class Cloud(List<(string?, string)> sent, Func<string?, string, string?> refuse)
        : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsStringAsync(cancellationToken);
            var header = request.Headers.TryGetValues("anthropic-beta", out var values)
                ? string.Join(", ", values) : null;
            sent.Add((header, body));
            var refusal = refuse(header, body);
            return new HttpResponseMessage(refusal is null ? HttpStatusCode.OK : HttpStatusCode.BadRequest)
            {
                Content = new StringContent(refusal ?? Served, Encoding.UTF8, "application/json"),
            };
        }
    }
}
