using System.Net;
using System.Net.Http.Headers;
using ClaudeGateway.Telemetry;

namespace ClaudeGateway.Tests.Telemetry;

public sealed class RetryPolicyTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(429, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    [InlineData(500, false)]
    [InlineData(501, false)]
    [InlineData(400, false)]
    [InlineData(307, false)]
    public void The_retryable_codes_are_those_of_OTLP(int status, bool isRetryable) =>
        Assert.Equal(isRetryable, RetryPolicy.IsRetryable((HttpStatusCode)status));

    [Theory]
    [InlineData(1, 5, 6)]
    [InlineData(2, 10, 12)]
    [InlineData(3, 20, 24)]
    public void Delays_double_with_some_jitter(int attempts, int from, int to) =>
        Assert.InRange(RetryPolicy.Delay(attempts, null, Now), TimeSpan.FromSeconds(from), TimeSpan.FromSeconds(to));

    [Fact]
    public void Retry_After_is_waited_for_as_seconds_or_date_up_to_five_minutes()
    {
        Assert.Equal(
            TimeSpan.FromSeconds(90),
            RetryPolicy.Delay(1, new RetryConditionHeaderValue(TimeSpan.FromSeconds(90)), Now));
        Assert.Equal(
            TimeSpan.FromSeconds(90), RetryPolicy.Delay(1, new RetryConditionHeaderValue(Now.AddSeconds(90)), Now));
        Assert.Equal(
            TimeSpan.FromMinutes(5), RetryPolicy.Delay(1, new RetryConditionHeaderValue(TimeSpan.FromDays(1)), Now));
        Assert.InRange(
            RetryPolicy.Delay(1, new RetryConditionHeaderValue(TimeSpan.FromSeconds(1)), Now),
            TimeSpan.FromSeconds(5),
            TimeSpan.FromSeconds(6));
        Assert.InRange(
            RetryPolicy.Delay(1, new RetryConditionHeaderValue(Now.AddDays(-1)), Now),
            TimeSpan.FromSeconds(5),
            TimeSpan.FromSeconds(6));
    }
}
