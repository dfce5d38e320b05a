using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Upstreams.Bedrock;

public sealed class BedrockTokenCountTests : IDisposable
{
    private const string Model = "us.anthropic.claude-opus-4-8";

    private readonly ManualTimeProvider _clock = new();
    private readonly CloudCalls _calls;
    private readonly Answers _answers = new();
    private readonly BedrockUpstream _bedrock;

    public BedrockTokenCountTests()
    {
        _calls = new CloudCalls(clock: _clock);
        var keys = new AwsAuth { AccessKeyId = new Secret("AKID"), SecretAccessKey = new Secret("secret") };
        _bedrock = new BedrockUpstream(
            new BedrockUpstreamConfig { Name = "bedrock", Region = "us-east-1", Auth = keys },
            _calls.Context(_answers));
    }

    public void Dispose()
    {
        _calls.Dispose();
        _answers.Dispose();
    }

    [Fact]
    public async Task A_failed_model_is_left_alone_for_ten_minutes()
    {
        _answers.Next = (HttpStatusCode.Forbidden, "{}");
        Assert.Equal(501, await CountAsync());
        Assert.Equal(501, await CountAsync());
        Assert.Equal(1, _answers.Requests);

        _answers.Next = (HttpStatusCode.OK, """{"inputTokens":7}""");
        Assert.Equal(200, await CountAsync("anthropic.claude-opus-4-7"));
        Assert.Equal(501, await CountAsync());

        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(200, await CountAsync());
    }

    [Fact]
    public async Task After_a_success_a_throttle_or_a_refused_body_is_of_that_request_alone()
    {
        _answers.Next = (HttpStatusCode.OK, """{"inputTokens":7}""");
        await CountAsync();
        foreach (var refusal in new[] { (HttpStatusCode.TooManyRequests, "{}"),
            (HttpStatusCode.BadRequest, """{"__type":"ValidationException","message":"x"}""") })
        {
            _answers.Next = refusal;
            Assert.Equal(501, await CountAsync());
        }

        _answers.Next = (HttpStatusCode.OK, """{"inputTokens":7}""");
        Assert.Equal(200, await CountAsync());
        Assert.Equal(4, _answers.Requests);
    }

    [Fact]
    public async Task A_400_that_is_not_of_AWS_is_no_verdict_on_the_request()
    {
        _answers.Next = (HttpStatusCode.OK, """{"inputTokens":7}""");
        await CountAsync();
        _answers.Next = (HttpStatusCode.BadRequest, "<html>proxy</html>");
        await CountAsync();
        Assert.Equal(501, await CountAsync());
        Assert.Equal(2, _answers.Requests);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    [InlineData("""{"inputTokens":"7"}""")]
    [InlineData("[]")]
    public async Task An_answer_without_a_count_is_a_failure(string body)
    {
        _answers.Next = (HttpStatusCode.OK, body);
        Assert.Equal(501, await CountAsync());
    }

    [Fact]
    public async Task A_model_id_that_hides_its_model_is_not_asked_for()
    {
        Assert.Equal(501, await CountAsync("arn:aws:bedrock:us-east-1:1:provisioned-model/x"));
        Assert.Equal(0, _answers.Requests);
    }

    private async Task<int> CountAsync(string model = Model)
    {
        using var response = await _bedrock.SendAsync(
            CloudCalls.Call("""{"model":"m","messages":[]}""", MessagesOperation.CountTokens),
            model,
            CancellationToken.None);
        return response.Status;
    }

    private sealed class Answers : HttpMessageHandler
    {
        public (HttpStatusCode Status, string Body) Next { get; set; }

        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            return Task.FromResult(new HttpResponseMessage(Next.Status) { Content = new StringContent(Next.Body) });
        }
    }
}
