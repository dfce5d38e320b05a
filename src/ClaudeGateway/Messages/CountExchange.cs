using System.Threading.RateLimiting;
using ClaudeGateway.Http;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// A token count, from the upstreams to the last byte: 1. it joins an equal one that is on its way, or 2. is the one
/// that asks, for all who join, until the last of them has left; 3. each gets the same answer, an error too, under his
/// own request id and with his own audit events.
/// </summary>
/// <param name="places">A count's own, so that it never takes a message's; null when they are not limited.</param>
internal sealed class CountExchange(
    ModelRoutes routes, ConcurrencyLimiter? places, FailoverLoop failover, TimeProvider clock, InferenceAudit audit)
{
    /// <summary>More than any count or error of a provider; a longer answer is none.</summary>
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly SharedCounts _running = new();

    public async Task RunAsync(Exchange exchange)
    {
        var aborted = exchange.Call.Request.Aborted;
        var key = SharedCounts.KeyOf(exchange);
        CountAnswer? answer;
        do
        {
            // 1. It joins one on its way.
            var (count, isFirst) = _running.Join(key);
            // 2. Or asks.
            answer = isFirst ? await AskAsync(exchange, count) : await WaitAsync(count, aborted);
        }
        while (answer is null && !aborted.IsCancellationRequested);

        // 3. Each gets the answer.
        if (answer is null || aborted.IsCancellationRequested)
        {
            audit.Abandoned(exchange.Call, exchange.Model, exchange.Billing);
            return;
        }

        await WriteAsync(exchange, answer);
    }

    private static async Task<CountAnswer?> WaitAsync(SharedCount count, CancellationToken aborted)
    {
        try
        {
            return await count.Answer.WaitAsync(aborted);
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            count.Leave();
            return null;
        }
    }

    /// <summary>Stays until there is an answer, also after its own client has left: others wait for it.</summary>
    private async Task<CountAnswer?> AskAsync(Exchange exchange, SharedCount count)
    {
        await using var leaving = exchange.Call.Request.Aborted.UnsafeRegister(
            static count => ((SharedCount)count!).Leave(), count);
        CountAnswer? answer = null;
        try
        {
            var call = exchange.Call with { SharedAbort = count.AllGone };
            using var place = places is null ? null : await places.AcquireAsync(1, call.Aborted);
            var outcome = await failover.RunAsync(call, exchange.Targets);
            audit.Adapted(call);
            answer = outcome.IsAbandoned ? null : await ReadAsync(call, outcome);
        }
        catch (OperationCanceledException) when (count.AllGone.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
        finally
        {
            _running.End(count, answer);
        }

        return answer;
    }

    private static async Task<CountAnswer> ReadAsync(UpstreamCall call, FailoverOutcome outcome)
    {
        var headers = new HeaderDictionary();
        if (outcome.Response is not { } response)
        {
            return new CountAnswer(outcome, headers, null);
        }

        using (response)
        {
            var acceptEncoding = call.Request.Http.Request.Headers.AcceptEncoding.ToString();
            response.CopyHeaders(headers, acceptEncoding);
            try
            {
                await using var body = response.OpenBody(acceptEncoding);
                using var read = new MemoryStream();
                var buffer = new byte[4096];
                int length;
                while (read.Length <= MaxAnswerBytes && (length = await body.ReadAsync(buffer, call.Aborted)) > 0)
                {
                    await read.WriteAsync(buffer.AsMemory(0, length));
                }

                return new CountAnswer(outcome, headers, read.Length > MaxAnswerBytes ? null : read.ToArray());
            }
            catch (Exception e) when (e is IOException or HttpRequestException || ContentCoding.IsBroken(e))
            {
                return new CountAnswer(outcome, headers, null);
            }
        }
    }

    private async Task WriteAsync(Exchange exchange, CountAnswer answer)
    {
        var (request, outcome) = (exchange.Call.Request, answer.Outcome);
        if (answer.Body is not { } body)
        {
            var failure = UpstreamExchange.AllFailed(routes, exchange.Call.Principal);
            audit.Failed(exchange.Call, exchange.Model, exchange.Billing, outcome, failure.Status);
            await failure.WriteAsync(request);
            return;
        }

        var status = outcome.Response!.Status;
        audit.Answered(exchange.Call, exchange.Billing, outcome, status);
        var response = request.Http.Response;
        response.StatusCode = status;
        foreach (var (name, value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        UpstreamExchange.FinishHead(request, status is >= 200 and < 300);
        var firstByteAt = clock.GetTimestamp();
        var end = await SendAsync(request, body) ? RelayEnd.Complete : RelayEnd.ClientGone;
        audit.Ended(
            exchange.Call, exchange.Model, new RelayResult(end, body.Length, firstByteAt), outcome, null, null);
    }

    private static async Task<bool> SendAsync(GatewayRequest request, byte[] body)
    {
        if (body.Length == 0)
        {
            // Some statuses may not have a body, not even an empty one.
            return true;
        }

        try
        {
            await request.Http.Response.Body.WriteAsync(body, request.Aborted);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            return false;
        }
    }
}
