using ClaudeGateway.Config;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Telemetry;

public sealed class OtlpSenderTests
{
    [Fact]
    public async Task Whatever_fails_before_an_export_is_sent_it_is_an_answer_and_no_exception()
    {
        await using var collector = new FakeCollector();
        using var calls = new CloudCalls();
        using var http = calls.Client();
        var sender = new OtlpSender(new TelemetryDestination { Url = collector.Url }, null, http, new FailingClock());

        var answer = await sender.SendAsync(new OtlpExport(OtlpSignal.Metrics, [1], null, null), default);

        Assert.Equal((false, true, "no timer"), (answer.IsAccepted, answer.IsFailure, answer.Text));
    }

    private sealed class FailingClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new InvalidOperationException("no timer");
    }
}
