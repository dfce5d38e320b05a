using System.Threading.RateLimiting;
using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// The second half of the hot path, from the upstreams to the last byte: 1. they are asked in order until one answers,
/// 2. the answer is audited, 3. its headers are written, 4. its body is relayed as it comes while its usage is read
/// along, 5. what it cost is put on the account, 6. its end is audited.
/// </summary>
/// <param name="places">For <c>limits.max_upstream_requests</c>; null when their number is not limited.</param>
/// <param name="counts">Answers token counts, which take none of these places.</param>
internal sealed class UpstreamExchange(
    ModelRoutes routes,
    ConcurrencyLimiter? places,
    CountExchange counts,
    FailoverLoop failover,
    ResponseRelay relay,
    InferenceAudit audit)
{
    private const string LastHeader = "Cross-Origin-Opener-Policy";

    /// <summary>Places for so many requests at one time; further ones wait in the order in which they came.</summary>
    public static ConcurrencyLimiter Places(int most) =>
        new(new ConcurrencyLimiterOptions
        {
            PermitLimit = most,
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });

    /// <summary>Ends with the last byte of the answer, or when the client has left.</summary>
    public Task RunAsync(Exchange exchange) =>
        exchange.Call.Operation == MessagesOperation.CountTokens ? counts.RunAsync(exchange)
        : places is null ? ExchangeAsync(exchange)
        : QueueAsync(places, exchange);

    /// <summary>
    /// How many token counts are under way at one time beside so many messages: an editor's fifty need not be at once.
    /// </summary>
    public static int CountPlaces(int most) => Math.Max(1, most / 4);

    /// <summary>No timeout runs while a request waits for its place: it waits as long as its client does.</summary>
    private async Task QueueAsync(ConcurrencyLimiter limiter, Exchange exchange)
    {
        var call = exchange.Call;
        RateLimitLease place;
        try
        {
            place = await limiter.AcquireAsync(1, call.Request.Aborted);
        }
        catch (OperationCanceledException) when (call.Request.Aborted.IsCancellationRequested)
        {
            audit.Abandoned(call, exchange.Model, exchange.Billing);
            return;
        }

        using (place)
        {
            await ExchangeAsync(exchange);
        }
    }

    private async Task ExchangeAsync(Exchange exchange)
    {
        // 1. The upstreams are asked.
        var call = exchange.Call;
        var outcome = await failover.RunAsync(call, exchange.Targets);
        audit.Adapted(call);
        if (outcome.IsAbandoned)
        {
            if (outcome.Target is { } asked)
            {
                // Otherwise a developer with a limit could have models work for nothing, as often as he likes.
                exchange.Ticket?.SettleAbandoned(asked.Upstream.Name, asked.ModelId, exchange.Model.Id);
            }

            audit.Abandoned(call, exchange.Model, exchange.Billing);
            return;
        }

        // A long answer needs no request body: two thousand of them would be most of the memory in use.
        call.Message.ReleaseBody();
        exchange.Body.Dispose();

        // 2. The answer is audited.
        if (outcome.Response is null)
        {
            var failure = AllFailed(routes, call.Principal);
            audit.Failed(call, exchange.Model, exchange.Billing, outcome, failure.Status);
            await failure.WriteAsync(call.Request);
            return;
        }

        using var upstream = outcome.Response;
        audit.Answered(call, exchange.Billing, outcome, upstream.Status);

        // 3. Its headers are written.
        var isServed = upstream.Status is >= 200 and < 300;
        var ticket = isServed && outcome.Target is not null ? exchange.Ticket : null;
        // Usage is read from the bytes that pass, so they must not be compressed where it is billed.
        var acceptEncoding = ticket is not null ? "" : call.Request.Http.Request.Headers.AcceptEncoding.ToString();
        WriteHead(call.Request, upstream, acceptEncoding, isServed, ticket);
        var headers = call.Request.Http.Response.Headers;
        var isReadable = ticket is not null || (isServed && headers.ContentEncoding.Count == 0);
        var usage = isReadable ? UsageReader.For(headers.ContentType) : null;

        // 4. Its body is relayed.
        RelayResult result;
        Money? cost = null;
        try
        {
            result = await relay.RelayAsync(call.Request, upstream, acceptEncoding, usage, call.IsStreamed);
            if (result.End == RelayEnd.ClientGone && usage is not null)
            {
                ticket?.AssumeInput(usage);
            }

            result = upstream.HasBrokenOff ? result with { End = RelayEnd.UpstreamCut } : result;
        }
        finally
        {
            // 5. What it cost is put on the account, however the relaying ended.
            if (ticket is not null && usage is not null)
            {
                cost = ticket.Settle(usage, outcome.Target!.Upstream.Name, outcome.Target.ModelId, exchange.Model.Id);
            }

            audit.Guarded(call, upstream);
        }

        // 6. Its end is audited.
        audit.Ended(call, exchange.Model, result, outcome, usage?.Finish(), cost);
    }

    /// <summary>What a client is told when no upstream gave an answer.</summary>
    public static ApiError AllFailed(ModelRoutes routes, Principal principal) =>
        new(
            StatusCodes.Status502BadGateway,
            "api_error",
            $"all upstreams failed ({routes.CountFor(principal)} attempted)");

    private static void WriteHead(
        GatewayRequest request, UpstreamResponse upstream, string acceptEncoding, bool isServed, SpendTicket? ticket)
    {
        var response = request.Http.Response;
        response.StatusCode = upstream.Status;
        upstream.CopyHeaders(response.Headers, acceptEncoding);
        FinishHead(request, isServed, ticket);
    }

    /// <summary>The gateway's own headers, after those of the upstream.</summary>
    public static void FinishHead(GatewayRequest request, bool isServed, SpendTicket? ticket = null)
    {
        if (!isServed)
        {
            return;
        }

        var response = request.Http.Response;
        if (ticket is not null)
        {
            ticket.WriteHeaders(response.Headers);
            // Without a length the client knows the end only after the cost is on the account: its next request is
            // judged by it.
            response.ContentLength = null;
        }

        // Headers go out in the order they were set. No value that ends in "0" comes last: the head can be a packet of
        // its own, and a simple reader takes "0\r\n\r\n" at the end of one for the last chunk. What is taken away
        // leaves a place that the next new one gets.
        var last = request.Id.EndsWith('0') ? response.Headers[LastHeader] : default;
        if (last.Count > 0)
        {
            response.Headers.Remove(LastHeader);
        }

        response.Headers["request-id"] = request.Id;
        if (last.Count > 0)
        {
            response.Headers[LastHeader] = last;
        }
    }
}
