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
                var response = await AskAsync(call, target, attempt);
                if (response is null)
                {
                    continue;
                }

                // 2. A final one ends the loop.
                var isForeign = attempts > 1 && response.RefusesThinking;
                if (!isForeign && FailoverRules.Judge(response.FailoverStatus) == FailoverVerdict.Final)
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
            var answer = shown is null ? null : await TryAsync(
                call, shown.Upstream, Task.FromResult(shown), null);
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

    /// <summary>Null when there is no answer.</summary>
    private async Task<UpstreamResponse?> AskAsync(UpstreamCall call, RouteTarget target, UpstreamAttempt attempt)
    {
        using var deadline = new Deadline(target.Upstream.FirstByteTimeout(call), clock, call.Aborted);
        return await TryAsync(call, target.Upstream, SendAsync(), attempt);

        // What it throws at once is thrown by the task.
        async Task<UpstreamResponse> SendAsync() =>
            await target.Upstream.SendAsync(call, target.ModelId, deadline.Token);
    }

    /// <summary>Null when it fails.</summary>
    /// <param name="attempt">Null when the answer is for the client whatever its status is.</param>
    private async Task<UpstreamResponse?> TryAsync(
        UpstreamCall call, Upstream upstream, Task<UpstreamResponse> answer, UpstreamAttempt? attempt)
    {
        var aborted = call.Aborted;
        try
        {
            var response = await answer;
            return attempt is null || FailoverRules.Judge(response.FailoverStatus) == FailoverVerdict.Final
                ? await response.StartedAsync(aborted)
                : response;
        }
        catch (OperationCanceledException e) when (!aborted.IsCancellationRequested)
        {
            attempt?.Failed(e);
            LogFailure(call.Request, upstream, "no response headers in time");
        }
        catch (Exception e)
            when (
                !aborted.IsCancellationRequested
                && e is HttpRequestException or IOException or UpstreamUnavailableException)
        {
            attempt?.Failed(e);
            LogFailure(call.Request, upstream, e.Message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UpstreamUnavailableException)
        {
            // The abort reached the socket before the token's check.
            throw new OperationCanceledException(e.Message, e, aborted);
        }

        return null;
    }

    private void LogFailure(GatewayRequest request, Upstream upstream, string reason) =>
        log.Warn($"request {request.Id}: upstream '{upstream.Name}' failed: {reason}");
}
