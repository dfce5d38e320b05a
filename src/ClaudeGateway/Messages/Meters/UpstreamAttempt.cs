using System.Diagnostics;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages.Meters;

/// <summary>
/// One request to one upstream, from its sending to the beginning of its answer: counted, and a span of its own where
/// somebody traces. Without a verdict before it is disposed the client has left, which says nothing of the upstream.
/// </summary>
/// <param name="goesOn">Whether there is another upstream to ask.</param>
internal sealed class UpstreamAttempt(InferenceMeters meters, UpstreamCall call, RouteTarget target, bool goesOn)
    : IDisposable
{
    private readonly UpstreamMeters _upstream = meters.Of(target.Upstream);
    private readonly Activity? _span = meters.StartAttempt(call, target);
    private bool _isJudged;

    /// <summary>The client gets this answer.</summary>
    public void Served(int status)
    {
        _isJudged = true;
        _upstream.Served();
        _span?.SetTag("http.response.status_code", status);
    }

    public void Failed(Exception failure) => Failed(UpstreamMeters.Reason(failure), isItsFault: true);

    /// <summary>It answered what makes the gateway try the next one.</summary>
    public void Refused(int status)
    {
        _span?.SetTag("http.response.status_code", status);
        Failed(UpstreamMeters.Reason(status), isItsFault: status is >= 500 or < 200);
    }

    /// <summary>It refused a conversation whose thinking another upstream signed.</summary>
    public void RefusedForeignThinking() => Failed("foreign_thinking", isItsFault: false);

    public void Dispose()
    {
        if (!_isJudged)
        {
            _span?.SetTag("error.type", "client_gone");
        }

        _span?.Dispose();
    }

    private void Failed(string reason, bool isItsFault)
    {
        _isJudged = true;
        _upstream.Failed(reason, isItsFault, goesOn);
        _span?.SetTag("error.type", reason);
        _span?.SetStatus(ActivityStatusCode.Error);
    }
}
