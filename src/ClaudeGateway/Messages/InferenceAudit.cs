using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Adapting;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// Writes the two audit events of a request: <c>inference</c> when its answer begins, <c>inference.end</c> when a
/// relayed one is over. Both ends of a request that an upstream was to answer are measured here too.
/// </summary>
internal sealed class InferenceAudit(AuditLog audit, InferenceMeters meters, bool isLoadTest, TimeProvider clock)
{
    private const int StatusClientClosedRequest = 499;

    /// <summary>The gateway itself says no.</summary>
    public void Refused(GatewayRequest request, Principal principal, BillingTag billing, int status) =>
        audit.Inference(
            new InferenceEvent(
                request.Id, principal.Sub, principal.Email, request.Path, null, null, null, null, billing.Group,
                billing.IsIgnored, isLoadTest, status, Milliseconds(request)));

    /// <summary>The gateway itself answers.</summary>
    public void AnsweredHere(UpstreamCall call) => Write(call, default, null, null, null, StatusCodes.Status200OK);

    /// <summary>The client left before any upstream had answered.</summary>
    public void Abandoned(UpstreamCall call, CatalogModel model, BillingTag billing)
    {
        Write(call, billing, null, null, null, StatusClientClosedRequest);
        Measure(call, model, "client_gone");
    }

    /// <summary>No upstream gave an answer.</summary>
    public void Failed(UpstreamCall call, CatalogModel model, BillingTag billing, FailoverOutcome outcome, int status)
    {
        Answered(call, billing, outcome with { Response = null }, status);
        Measure(call, model, UpstreamMeters.Reason(status));
    }

    public void Answered(UpstreamCall call, BillingTag billing, FailoverOutcome outcome, int status)
    {
        if (outcome.Response is { IsGatewaysRefusal: true })
        {
            Refused(call.Request, call.Principal, billing, status);
            return;
        }

        Write(call, billing, outcome.Response?.Upstream.Name, outcome.LastRequestId, outcome.LastCloudRequestId,
            status);
    }

    /// <param name="usage">What the answer says it used; null when nobody read along.</param>
    /// <param name="cost">What it was billed; null when it was not metered.</param>
    public void Ended(
        UpstreamCall call, CatalogModel model, RelayResult result, FailoverOutcome outcome, TokenUsage? usage,
        Money? cost)
    {
        var request = call.Request;
        var now = clock.GetTimestamp();
        var hints = ClientHints.Read(request.Http.Request.Headers);
        audit.InferenceEnd(new InferenceEndEvent
        {
            RequestId = request.Id,
            End = Word(result.End),
            Bytes = result.Bytes,
            Reason = result.End == RelayEnd.UpstreamCut ? outcome.Response?.BreakReason : null,
            Attempts = outcome.Attempts,
            Usage = usage,
            MillisecondsToFirstByte = result.FirstByteAt == 0 ? null : Milliseconds(request, result.FirstByteAt),
            Milliseconds = Milliseconds(request, now),
            Cost = cost,
            RequestClass = hints.RequestClass,
            Settings = hints.Settings,
        });
        var status = outcome.Response!.Status;
        var failure = result.End != RelayEnd.Complete ? Word(result.End)
            : status >= StatusCodes.Status400BadRequest ? UpstreamMeters.Reason(status) : null;
        var answer = new MeasuredAnswer(call.Operation, model.Id, outcome.Response.Upstream, failure)
        {
            Duration = clock.GetElapsedTime(request.StartedAt, now),
            FirstByte = result.FirstByteAt == 0 ? null : clock.GetElapsedTime(request.StartedAt, result.FirstByteAt),
            IsStreamed = call.IsStreamed,
            Usage = usage,
            Cost = cost,
        };
        meters.Ended(answer, call.Principal);
    }

    /// <summary>Upstreams that were asked again, without what they had refused.</summary>
    public void Adapted(UpstreamCall call)
    {
        foreach (var adaptation in call.Adaptations ?? [])
        {
            audit.Adapted(call.Request.Id, call.Principal, adaptation);
        }
    }

    /// <summary>What the guardrail of an answer that has been read did, if it did anything.</summary>
    public void Guarded(UpstreamCall call, UpstreamResponse answer)
    {
        if (answer.Guardrail is { IsWorthTelling: true } trace)
        {
            audit.GuardrailTrace(
                new GuardrailTraceEvent(
                    call.Request.Id, call.Principal.Sub, call.Principal.Email, answer.Upstream.Name, trace.Action,
                    trace.Filters, trace.Dropped));
        }
    }

    private void Measure(UpstreamCall call, CatalogModel model, string failure) =>
        meters.Ended(
            new MeasuredAnswer(call.Operation, model.Id, null, failure)
            {
                Duration = clock.GetElapsedTime(call.Request.StartedAt),
            },
            call.Principal);

    private void Write(
        UpstreamCall call, BillingTag billing, string? upstream, string? requestId, string? cloudRequestId,
        int status) =>
        audit.Inference(new InferenceEvent(
            call.Request.Id, call.Principal.Sub, call.Principal.Email, call.Request.Path, call.Message.Model, upstream,
            requestId, cloudRequestId,
            billing.Group, billing.IsIgnored, isLoadTest, status, Milliseconds(call.Request)));

    private long Milliseconds(GatewayRequest request) => Milliseconds(request, clock.GetTimestamp());

    private long Milliseconds(GatewayRequest request, long timestamp) =>
        (long)clock.GetElapsedTime(request.StartedAt, timestamp).TotalMilliseconds;

    private static string Word(RelayEnd end) => end switch
    {
        RelayEnd.Complete => "complete",
        RelayEnd.UpstreamCut => "upstream_cut",
        _ => "client_gone",
    };
}
