using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
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
/// is awaited, 2. judged: a final one ends the loop, 3. of the others the one that tells most is kept; 4. it is shown
/// when all have failed.
/// </summary>
internal sealed class FailoverLoop(TimeProvider clock, OperationalLog log)
{
    public async Task<FailoverOutcome> RunAsync(UpstreamCall call, IReadOnlyList<RouteTarget> targets)
    {
        UpstreamResponse? shown = null;
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
                var response = await TryAsync(call, target);
                if (response is null)
                {
                    continue;
                }

                // 2. A final one ends the loop.
                if (FailoverRules.Judge(response.FailoverStatus) == FailoverVerdict.Final)
                {
                    shown?.Dispose();
                    return new FailoverOutcome(response, attempts, response.RequestId, response.CloudRequestId, target);
                }

                call.IsSent = false;
                // 3. Of the others the one that tells most is kept.
                log.Warn(
                    $"request {call.Request.Id}: upstream '{target.Upstream.Name}' answered {response.FailoverStatus}");
                if (response.RequestId is not null || response.CloudRequestId is not null)
                {
                    (requestId, cloudRequestId) = (response.RequestId, response.CloudRequestId);
                }

                shown = Better(shown, response);
            }
        }
        catch (OperationCanceledException) when (call.Request.Aborted.IsCancellationRequested)
        {
            shown?.Dispose();
            return new FailoverOutcome(null, attempts, null, null, call.IsSent ? asked : null) { IsAbandoned = true };
        }
        catch
        {
            shown?.Dispose();
            throw;
        }

        // 4. All have failed.
        return new FailoverOutcome(
            shown,
            attempts,
            shown is null ? requestId : shown.RequestId,
            shown is null ? cloudRequestId : shown.CloudRequestId,
            null);
    }

    /// <summary>Null when there is no answer.</summary>
    private async Task<UpstreamResponse?> TryAsync(UpstreamCall call, RouteTarget target)
    {
        var aborted = call.Request.Aborted;
        using var deadline = new Deadline(target.Upstream.FirstByteTimeout(call), clock, aborted);

        try
        {
            var response = await target.Upstream.SendAsync(call, target.ModelId, deadline.Token);
            return await response.StartedAsync(aborted);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            LogFailure(call.Request, target, "no response headers in time");
        }
        catch (Exception e)
            when (
                !aborted.IsCancellationRequested
                && e is HttpRequestException or IOException or UpstreamUnavailableException)
        {
            LogFailure(call.Request, target, e.Message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UpstreamUnavailableException)
        {
            // The abort reached the socket before the token's check.
            throw new OperationCanceledException(e.Message, e, aborted);
        }

        return null;
    }

    private static UpstreamResponse? Better(UpstreamResponse? shown, UpstreamResponse later)
    {
        var worth = FailoverRules.Worth(later.FailoverStatus);
        if (worth == 0 || (shown is not null && worth < FailoverRules.Worth(shown.FailoverStatus)))
        {
            later.Dispose();
            return shown;
        }

        shown?.Dispose();
        return later;
    }

    private void LogFailure(GatewayRequest request, RouteTarget target, string reason) =>
        log.Warn($"request {request.Id}: upstream '{target.Upstream.Name}' failed: {reason}");
}
