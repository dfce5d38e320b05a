using System.Threading.RateLimiting;
using ClaudeGateway.Http;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// The second half of the hot path, from the upstreams to the last byte: 1. they are asked in order until one answers,
/// 2. the answer is audited, 3. its headers are written, 4. its body is relayed as it comes while its usage is read along,
/// 5. what it cost is put on the account, 6. its end is audited.
/// </summary>
/// <param name="places">For <c>limits.max_upstream_requests</c>; null when their number is not limited.</param>
internal sealed class UpstreamExchange(ModelRoutes routes, ConcurrencyLimiter? places, FailoverLoop failover, ResponseRelay relay, InferenceAudit audit)
{
    private const string LastHeader = "Cross-Origin-Opener-Policy";

    /// <summary>Places for so many requests at one time; further ones wait in the order in which they came.</summary>
    public static ConcurrencyLimiter Places(int most) =>
        new(new ConcurrencyLimiterOptions { PermitLimit = most, QueueLimit = int.MaxValue, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });

    /// <param name="body">What <paramref name="call"/> refers to; disposed as soon as no upstream will be sent it any more.</param>
    /// <param name="ticket">Null when the request is not metered; it belongs to the caller.</param>
    public Task RunAsync(UpstreamCall call, RequestBody body, CatalogModel model, IReadOnlyList<RouteTarget> targets, BillingTag billing, SpendTicket? ticket) =>
        places is null ? ExchangeAsync(call, body, model, targets, billing, ticket) : QueueAsync(places, call, body, model, targets, billing, ticket);

    /// <summary>No timeout runs while a request waits for its place: it waits as long as its client does.</summary>
    private async Task QueueAsync(ConcurrencyLimiter limiter, UpstreamCall call, RequestBody body, CatalogModel model, IReadOnlyList<RouteTarget> targets, BillingTag billing, SpendTicket? ticket)
    {
        RateLimitLease place;
        try
        {
            place = await limiter.AcquireAsync(1, call.Request.Aborted);
        }
        catch (OperationCanceledException) when (call.Request.Aborted.IsCancellationRequested)
        {
            audit.Abandoned(call, billing);
            return;
        }

        using (place)
        {
            await ExchangeAsync(call, body, model, targets, billing, ticket);
        }
    }

    private async Task ExchangeAsync(UpstreamCall call, RequestBody body, CatalogModel model, IReadOnlyList<RouteTarget> targets, BillingTag billing, SpendTicket? ticket)
    {
        var outcome = await failover.RunAsync(call, targets);
        if (outcome.IsAbandoned)
        {
            if (outcome.Target is { } asked)
            {
                // Otherwise a developer with a limit could have models work for nothing, as often as he likes.
                ticket?.SettleAbandoned(asked.Upstream.Name, asked.ModelId, model.Id);
            }

            audit.Abandoned(call, billing);
            return;
        }

        // A long answer needs no request body: two thousand of them would be most of the memory in use.
        call.Message.ReleaseBody();
        body.Dispose();
        audit.Answered(call, billing, outcome, outcome.Response?.Status ?? StatusCodes.Status502BadGateway);
        if (outcome.Response is null)
        {
            await AllFailed(call.Principal).WriteAsync(call.Request);
            return;
        }

        using (outcome.Response)
        {
            await AnswerAsync(call, model, outcome, ticket);
        }
    }

    private ApiError AllFailed(Principal principal) =>
        new(StatusCodes.Status502BadGateway, "api_error", $"all upstreams failed ({routes.CountFor(principal)} attempted)");

    private async Task AnswerAsync(UpstreamCall call, CatalogModel model, FailoverOutcome outcome, SpendTicket? ticket)
    {
        var upstream = outcome.Response!;
        var isServed = upstream.Status is >= 200 and < 300;
        ticket = isServed && outcome.Target is not null ? ticket : null;
        // Usage is read from the bytes that pass, so they must not be compressed where it is billed.
        var acceptEncoding = ticket is not null ? "" : call.Request.Http.Request.Headers.AcceptEncoding.ToString();
        WriteHead(call.Request, upstream, acceptEncoding, isServed, ticket);
        var headers = call.Request.Http.Response.Headers;
        var isReadable = ticket is not null || (isServed && call.Operation == MessagesOperation.CreateMessage && headers.ContentEncoding.Count == 0);
        var usage = isReadable ? UsageReader.For(headers.ContentType) : null;

        RelayResult result;
        Money? cost = null;
        try
        {
            result = await relay.RelayAsync(call.Request, upstream, acceptEncoding, usage);
            if (result.End == RelayEnd.ClientGone && usage is not null)
            {
                ticket?.AssumeInput(usage);
            }

            result = upstream.HasBrokenOff ? result with { End = RelayEnd.UpstreamCut } : result;
        }
        finally
        {
            if (ticket is not null && usage is not null)
            {
                cost = ticket.Settle(usage, outcome.Target!.Upstream.Name, outcome.Target.ModelId, model.Id);
            }

            audit.Guarded(call, upstream);
        }

        audit.Ended(call.Request, result, outcome.Attempts, usage?.Finish(), cost);
    }

    private static void WriteHead(GatewayRequest request, UpstreamResponse upstream, string acceptEncoding, bool isServed, SpendTicket? ticket)
    {
        var response = request.Http.Response;
        response.StatusCode = upstream.Status;
        upstream.CopyHeaders(response.Headers, acceptEncoding);
        if (!isServed)
        {
            return;
        }

        // Headers go out in the order they were set. No value that may end in "0" comes last: the head can be a packet of its
        // own, and a simple reader takes "0\r\n\r\n" at the end of one for the last chunk.
        var last = response.Headers[LastHeader];
        response.Headers.Remove(LastHeader);
        response.Headers["request-id"] = request.Id;
        if (ticket is not null)
        {
            ticket.WriteHeaders(response.Headers);
            // Without a length the client knows the end only after the cost is on the account: its next request is judged by it.
            response.ContentLength = null;
        }

        response.Headers[LastHeader] = last;
    }
}
