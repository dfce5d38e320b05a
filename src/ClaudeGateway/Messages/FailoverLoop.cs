using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>How a request fared with the upstreams.</summary>
/// <param name="Response">The answer for the client, to be disposed; null when every upstream failed without one worth
/// showing.</param>
/// <param name="Attempts">How many upstreams were asked.</param>
/// <param name="LastRequestId">The id of the request at the upstream that answered, else at the last one that sent
/// any.</param>
/// <param name="LastCloudRequestId">Its cloud's own id.</param>
/// <param name="Target">Who gave a final answer, and what he calls the model; null when there is none.</param>
internal sealed record FailoverOutcome(
    UpstreamResponse? Response, int Attempts, string? LastRequestId, string? LastCloudRequestId, RouteTarget? Target)
{
    /// <summary>
    /// Whether the client left before there was an answer. <see cref="Target"/> then is who had all of the request and
    /// may be at work.
    /// </summary>
    public bool IsAbandoned { get; init; }
}

/// <summary>
/// Asks the upstreams in order until one gives an answer that is not a failure. Every request starts with the first
/// one. Nothing has been sent to the client yet; once this returns there is no way back. Of each upstream 1. an answer
/// is awaited, 2. judged: a final one ends the loop, unless it refuses the thinking of an upstream that failed before,
/// 3. of the others the one that tells most is kept; 4. it is shown when all have failed.
/// </summary>
internal sealed class FailoverLoop(InferenceMeters meters, TimeProvider clock, OperationalLog log)
{
    public async Task<FailoverOutcome> RunAsync(UpstreamCall call, IReadOnlyList<RouteTarget> targets)
    {
        using var failed = new FailedAnswers();
        RouteTarget? asked = null;
        string? requestId = null, cloudRequestId = null;
        var attempts = 0;
        try
        {
            foreach (var target in targets)
            {
                // 1. An answer is awaited.
                attempts++;
                asked = target;
                call.IsSent = false;
                using var attempt = new UpstreamAttempt(meters, call, target, goesOn: attempts < targets.Count);
                using var deadline = new Deadline(target.Upstream.FirstByteTimeout(call), clock, call.Aborted);
                UpstreamResponse response;
                try
                {
                    response = await target.Upstream.SendAsync(call, target.ModelId, deadline.Token);
                    response = IsFinal(response) ? await response.StartedAsync(call.Aborted) : response;
                }
                catch (Exception e) when (IsUpstreamsFault(e, call.Aborted))
                {
                    attempt.Failed(e);
                    LogFailure(call.Request, target.Upstream, e);
                    continue;
                }
                catch (Exception e) when (IsBrokenExchange(e))
                {
                    throw Aborted(e, call.Aborted);
                }

                // 2. A final one ends the loop.
                var isForeign = attempts > 1 && response.RefusesThinking;
                if (!isForeign && IsFinal(response))
                {
                    attempt.Served(response.Status);
                    return new FailoverOutcome(response, attempts, response.RequestId, response.CloudRequestId, target);
                }

                call.IsSent = false;
                // 3. Of the others the one that tells most is kept.
                log.Warn(
                    $"request {call.Request.Id}: upstream '{target.Upstream.Name}' answered {response.FailoverStatus}"
                        + (isForeign ? " to a thinking block that another upstream signed" : ""));
                if (response.RequestId is not null || response.CloudRequestId is not null)
                {
                    (requestId, cloudRequestId) = (response.RequestId, response.CloudRequestId);
                }

                if (isForeign)
                {
                    attempt.RefusedForeignThinking();
                    failed.AddForeign(response);
                }
                else
                {
                    attempt.Refused(response.FailoverStatus);
                    failed.Add(response, isFirst: attempts == 1);
                }
            }

            // 4. All have failed.
            var shown = failed.Take();
            var answer = shown is null ? null : await ShowAsync(call, shown);
            return new FailoverOutcome(
                answer,
                attempts,
                answer is null ? requestId : answer.RequestId,
                answer is null ? cloudRequestId : answer.CloudRequestId,
                null);
        }
        catch (OperationCanceledException) when (call.Aborted.IsCancellationRequested)
        {
            return new FailoverOutcome(null, attempts, null, null, call.IsSent ? asked : null) { IsAbandoned = true };
        }
    }

    /// <summary>The answer that is shown although it is a failure; null when it does not come.</summary>
    private async Task<UpstreamResponse?> ShowAsync(UpstreamCall call, UpstreamResponse shown)
    {
        var aborted = call.Aborted;
        try
        {
            return await shown.StartedAsync(aborted);
        }
        catch (Exception e) when (IsUpstreamsFault(e, aborted))
        {
            LogFailure(call.Request, shown.Upstream, e);
        }
        catch (Exception e) when (IsBrokenExchange(e))
        {
            throw Aborted(e, aborted);
        }

        return null;
    }

    private static bool IsFinal(UpstreamResponse response) =>
        FailoverRules.Judge(response.FailoverStatus) == FailoverVerdict.Final;

    private static bool IsUpstreamsFault(Exception e, CancellationToken aborted) =>
        !aborted.IsCancellationRequested && (IsBrokenExchange(e) || e is OperationCanceledException);

    /// <summary>
    /// Once the client has left it is its leaving, which reached the socket before the token's check.
    /// </summary>
    private static bool IsBrokenExchange(Exception e) =>
        e is HttpRequestException or IOException or UpstreamUnavailableException;

    private static OperationCanceledException Aborted(Exception e, CancellationToken aborted) =>
        new(e.Message, e, aborted);

    private void LogFailure(GatewayRequest request, Upstream upstream, Exception e) =>
        log.Warn(
            $"request {request.Id}: upstream '{upstream.Name}' failed: "
                + (e is OperationCanceledException ? "no response headers in time" : e.Message));
}
