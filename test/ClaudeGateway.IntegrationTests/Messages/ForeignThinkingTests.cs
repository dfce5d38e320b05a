using System.Net;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// A conversation that one upstream answered is sent to another, which refuses the thinking it did not sign.
/// </summary>
public sealed class ForeignThinkingTests
{
    private const string Refusal = "messages.1.content.0: Invalid `signature` in `thinking` block";

    public static TheoryData<string> Providers =>
        [.. BrokenAnswerTests.Configs(new Uri("http://x")).Select(config => config.Provider)];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_client_gets_what_the_upstream_before_it_answered(string provider)
    {
        await using var other = new FakeServer(
            e => e.RespondJsonAsync(400, new { type = "error", error = new { type = "x", message = Refusal } }));
        await using var scene = await Scene.StartAsync(config => config with
        {
            Upstreams =
            [
                .. config.Upstreams,
                BrokenAnswerTests.Configs(other.Url).Single(upstream => upstream.Provider == provider),
            ],
        });
        scene.Upstream.NextError(429, "rate_limit_error", "wait", ("retry-after", "17"));

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, "claude-opus-4-7");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("17", response.Headers.NonValidated["retry-after"].ToString());
        Assert.Contains("wait", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Single(other.Requests);
        var audit = await scene.Gateway.Log.AuditAsync("inference");
        Assert.Equal(
            ("anthropic", 429), (audit.GetProperty("upstream").GetString(), audit.GetProperty("status").GetInt32()));
        await scene.Gateway.Log.LineAsync("answered 400 to a thinking block that another upstream signed");
    }

    [Fact]
    public async Task So_it_is_when_a_stream_begins_with_the_refusal()
    {
        await using var other = new FakeServer(async e =>
        {
            await e.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
            await e.WriteAsync(EventStreamFrames.Exception("validationException", Refusal));
            await e.EndAsync();
        });
        await using var scene = await Scene.StartAsync(config => config with
        {
            Upstreams =
            [
                .. config.Upstreams,
                BrokenAnswerTests.Configs(other.Url).Single(upstream => upstream.Provider == "bedrock"),
            ],
        });
        scene.Upstream.NextError(529, "overloaded_error");

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);

        Assert.Equal(529, (int)response.StatusCode);
        Assert.Contains("overloaded_error", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("429 400 200", 200)]
    [InlineData("429 400 503", 429)]
    [InlineData("529 400", 529)]
    [InlineData("500 400 429", 500)]
    [InlineData("529 400 400", 529)]
    [InlineData("503 429 400", 429)]
    [InlineData("refused 400", 502)]
    [InlineData("refused 400 429", 502)]
    [InlineData("refused 429 400", 429)]
    [InlineData("400 200", 400)]
    [InlineData("400", 400)]
    public async Task Whichever_upstreams_failed_before(string answers, int expected)
    {
        var upstreams = answers.Split(' ');
        await using var scene = await Scene.StartAsync(upstreams.Length);
        for (var i = 0; i < upstreams.Length; i++)
        {
            if (upstreams[i] == "refused")
            {
                scene.Upstreams[i].Server.Refuse();
            }
            else if (upstreams[i] != "200")
            {
                var status = int.Parse(upstreams[i], System.Globalization.CultureInfo.InvariantCulture);
                scene.Upstreams[i].NextError(status, "invalid_request_error", status == 400 ? Refusal : "forced");
            }
        }

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Fact]
    public async Task Another_400_after_a_failover_is_final()
    {
        await using var scene = await Scene.StartAsync(3);
        scene.Upstreams[0].NextError(429);
        scene.Upstreams[1].NextError(400, "invalid_request_error", "max_tokens: thinking needs more");

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("thinking needs more", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Upstreams[2].Requests);
    }
}
