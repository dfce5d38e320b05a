using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Upstreams;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// POST /v1/messages and /v1/messages/count_tokens: the hot path. The bearer has been checked. Then
/// 1. the body is read and its few fields looked at, 2. the developer's policy and the catalogue judge the model,
/// 3. spend limits are held, 4. upstreams are asked in order until one answers, 5. the answer is audited and relayed as it
/// comes while its usage is read along, 6. what it cost is put on the account, 7. its end is audited.
/// </summary>
/// <param name="modelAccess">The models a developer's policy allows.</param>
/// <param name="billingGroupTag"><c>admin.billing_group_tag</c>, or null.</param>
/// <param name="isLoadTest">Whether upstreams answer with canned text (<c>load_test_mode</c>) and requests may play other developers.</param>
/// <param name="spend">Null without an <c>admin</c> section: then nothing is limited or metered.</param>
internal sealed class MessagesEndpoint(
    ModelRoutes routes,
    Func<Principal, ModelAccess> modelAccess,
    FailoverLoop failover,
    ResponseRelay relay,
    string? billingGroupTag,
    SpendGate? spend,
    bool isLoadTest,
    TimeProvider clock,
    AuditLog audit)
{
    private const int StatusClientClosedRequest = 499;

    public void Map(Routes table)
    {
        table.Session("POST", "/v1/messages", (request, principal) => StartAsync(request, principal, MessagesOperation.CreateMessage));
        table.Session("POST", "/v1/messages/count_tokens", (request, principal) => StartAsync(request, principal, MessagesOperation.CountTokens));
    }

    private Task StartAsync(GatewayRequest request, Principal principal, MessagesOperation operation)
    {
        if (!isLoadTest)
        {
            return HandleAsync(request, principal, operation);
        }

        return LoadTestUser.Of(request, principal) is { } played
            ? HandleAsync(request, played, operation)
            : RefuseAsync(request, principal, LoadTestUser.Unreadable, default);
    }

    private async Task HandleAsync(GatewayRequest request, Principal principal, MessagesOperation operation)
    {
        var body = await RequestBody.ReadAsync(request);
        SpendTicket? ticket = null;
        FailoverOutcome outcome;
        ModelRoute route;
        var isAsked = false;
        try
        {
            var (message, error) = MessagesRequest.Read(body.Bytes);
            if (message is null)
            {
                await RefuseAsync(request, principal, error!, default);
                return;
            }

            var billing = billingGroupTag is null || operation == MessagesOperation.CountTokens ? default : BillingTag.Read(message, billingGroupTag, principal);
            var (found, targets, refusal) = FindTargets(message.Model, principal);
            if (found is null)
            {
                await RefuseAsync(request, principal, refusal!, billing);
                return;
            }

            route = found;
            if (spend is not null && operation == MessagesOperation.CreateMessage)
            {
                ticket = await spend.AdmitAsync(request, principal);
                if (ticket is null)
                {
                    return;
                }

                ContentCoding.KeepDecodable(request.Http.Request.Headers);
            }

            var call = new UpstreamCall(request, principal, message, operation, billingGroupTag is not null);
            try
            {
                outcome = await failover.RunAsync(call, targets);
            }
            catch (OperationCanceledException) when (request.Aborted.IsCancellationRequested)
            {
                Audit(call, billing, null, null, null, StatusClientClosedRequest);
                return;
            }

            isAsked = true;
            Audit(call, billing, outcome.Response?.Upstream, outcome.LastRequestId, outcome.LastCloudRequestId, outcome.Response?.Status ?? StatusCodes.Status502BadGateway);
        }
        finally
        {
            // A long answer needs no request body: two thousand of them would be most of the memory in use.
            body.Dispose();
            if (!isAsked)
            {
                ticket?.Dispose();
            }
        }

        using (ticket)
        {
            await AnswerAsync(request, principal, route.Model, outcome, ticket);
        }
    }

    private async Task AnswerAsync(GatewayRequest request, Principal principal, CatalogModel model, FailoverOutcome outcome, SpendTicket? ticket)
    {
        if (outcome.Response is null)
        {
            await new ApiError(StatusCodes.Status502BadGateway, "api_error", $"all upstreams failed ({routes.CountFor(principal)} attempted)").WriteAsync(request);
            return;
        }

        using (outcome.Response)
        {
            await RelayAsync(request, model, outcome, ticket);
        }
    }

    private (ModelRoute? Route, IReadOnlyList<RouteTarget> Targets, ApiError? Refusal) FindTargets(string model, Principal principal)
    {
        var route = routes.Find(model);
        switch (modelAccess(principal).Check(model, route?.Model))
        {
            case ModelVerdict.Denied:
                return (null, [], ApiError.InvalidRequest($"model {model} is blocked by your role's deniedModels denylist"));
            case ModelVerdict.NotAvailable:
                return (null, [], ApiError.InvalidRequest($"model {model} is not in your role's availableModels allowlist"));
        }

        if (route is null)
        {
            return (null, [], ApiError.InvalidRequest($"model {model} is not in the operator's model allowlist"));
        }

        var targets = routes.For(route, principal);
        return targets.Count > 0 ? (route, targets, null) : (null, [], ApiError.InvalidRequest(routes.WhyNone(model, route, principal)));
    }

    private async Task RelayAsync(GatewayRequest request, CatalogModel model, FailoverOutcome outcome, SpendTicket? ticket)
    {
        var upstream = outcome.Response!;
        var isServed = upstream.Status is >= 200 and < 300;
        var isMetered = isServed && ticket is not null && outcome.Target is not null;
        // Usage is read from the bytes that pass, so they must not be compressed.
        var acceptEncoding = isMetered ? "" : request.Http.Request.Headers.AcceptEncoding.ToString();
        var response = request.Http.Response;
        response.StatusCode = upstream.Status;
        upstream.CopyHeaders(response.Headers, acceptEncoding);
        if (isServed)
        {
            response.Headers["request-id"] = request.Id;
        }

        UsageReader? usage = null;
        if (isMetered)
        {
            usage = UsageReader.For(response.ContentType);
            ticket!.WriteHeaders(response.Headers);
            // Without a length the client knows the end only after the cost is on the account: its next request is judged by it.
            response.ContentLength = null;
        }

        RelayResult result;
        Money? cost = null;
        try
        {
            result = await relay.RelayAsync(request, upstream, acceptEncoding, usage);
        }
        finally
        {
            if (usage is not null)
            {
                cost = ticket!.Settle(usage, outcome.Target!.Upstream.Name, outcome.Target.ModelId, model.Id);
            }
        }

        var hints = ClientHints.Read(request.Http.Request.Headers);
        audit.InferenceEnd(
            request.Id, EndWord(upstream.HasBrokenOff ? RelayEnd.UpstreamCut : result.End), result.Bytes, outcome.Attempts, result.FirstByteAt == 0 ? null : Milliseconds(request, result.FirstByteAt),
            Milliseconds(request, clock.GetTimestamp()), cost, hints.RequestClass, hints.Settings);
    }

    private Task RefuseAsync(GatewayRequest request, Principal principal, ApiError error, BillingTag billing)
    {
        audit.Inference(new InferenceEvent(request.Id, principal.Sub, principal.Email, request.Path, null, null, null, null, billing.Group, billing.IsIgnored, isLoadTest, error.Status, Milliseconds(request, clock.GetTimestamp())));
        return error.WriteAsync(request);
    }

    private void Audit(UpstreamCall call, BillingTag billing, Upstream? upstream, string? requestId, string? cloudRequestId, int status) =>
        audit.Inference(new InferenceEvent(
            call.Request.Id, call.Principal.Sub, call.Principal.Email, call.Request.Path, call.Message.Model, upstream?.Name, requestId, cloudRequestId,
            billing.Group, billing.IsIgnored, isLoadTest, status, Milliseconds(call.Request, clock.GetTimestamp())));

    private long Milliseconds(GatewayRequest request, long timestamp) => (long)clock.GetElapsedTime(request.StartedAt, timestamp).TotalMilliseconds;

    private static string EndWord(RelayEnd end) => end switch
    {
        RelayEnd.Complete => "complete",
        RelayEnd.UpstreamCut => "upstream_cut",
        _ => "client_gone",
    };
}
