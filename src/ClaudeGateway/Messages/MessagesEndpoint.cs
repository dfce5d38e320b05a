using System.Globalization;
using System.Text;
using ClaudeGateway.Http;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Models;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>
/// POST /v1/messages and /v1/messages/count_tokens: the hot path. The bearer has been checked. Then
/// 1. the body is read, 2. its few fields are looked at, the developer's policy judges the model and every other one
/// the body names, the catalogue the model, 3. spend limits are held, for what this request may cost; a limit that is
/// reached speaks first, whatever was wrong with the body, 4. <see cref="UpstreamExchange"/> asks the upstreams and
/// relays the answer.
/// </summary>
/// <param name="modelAccess">The models a developer's policy allows.</param>
/// <param name="billingGroupTag"><c>admin.billing_group_tag</c>, or null.</param>
/// <param name="isLoadTest">Whether upstreams answer with canned text (<c>load_test_mode</c>) and requests may play
/// other developers.</param>
/// <param name="machines">Null where nobody could read who runs which settings.</param>
/// <param name="spend">Null without an <c>admin</c> section: then nothing is limited or metered.</param>
internal sealed class MessagesEndpoint(
    ModelRoutes routes,
    Func<Principal, ModelAccess> modelAccess,
    UpstreamExchange upstreams,
    string? billingGroupTag,
    SeenMachines? machines,
    SpendGate? spend,
    bool isLoadTest,
    InferenceAudit audit)
{
    public void Map(Routes table)
    {
        table.SessionInline(
            "POST",
            "/v1/messages",
            (request, principal) => StartAsync(request, principal, MessagesOperation.CreateMessage));
        table.SessionInline(
            "POST",
            "/v1/messages/count_tokens",
            (request, principal) => StartAsync(request, principal, MessagesOperation.CountTokens));
    }

    private Task StartAsync(GatewayRequest request, Principal principal, MessagesOperation operation)
    {
        machines?.See(principal, request.Http.Request.Headers[SettingsVersion.HintHeader]);
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
        // 1. The body is read.
        using var body = await RequestBody.ReadAsync(request);
        if (body.Bytes.Length > SocketThreads.MaxInlineBytes)
        {
            await SocketThreads.LeaveAsync();
        }

        // 2. Its few fields are looked at, and the models it names judged.
        var access = modelAccess(principal);
        var nested = access.IsUnrestricted ? null : NestedModels(access);
        var (message, error) = MessagesRequest.Read(body.Bytes, nested);
        var (route, targets, refusal) =
            message is null ? (null, [], null) : FindTargets(message, principal, access, nested);

        // 3. Spend limits are held.
        var isMetered = spend is not null && operation == MessagesOperation.CreateMessage;
        using var ticket = isMetered
            ? await spend!.AdmitAsync(request, principal, Priced(spend, message, route, targets))
            : null;
        if (isMetered && ticket is null)
        {
            return;
        }

        var billingTag = operation == MessagesOperation.CountTokens ? null : billingGroupTag;
        if (message is null)
        {
            await RefuseAsync(
                request,
                principal,
                error!,
                billingTag is null ? default : BillingTag.ReadRefused(body.Bytes, billingTag, principal));
            return;
        }

        var billing = billingTag is null ? default : BillingTag.Read(message, billingTag, principal);
        if (route is null)
        {
            await RefuseAsync(request, principal, refusal!, billing);
            return;
        }

        // 4. The upstreams are asked. A metered answer must be readable, and a stream have room for pings.
        var isReadAlong = ticket is not null || (operation == MessagesOperation.CreateMessage && message.IsStream);
        var codings = request.Http.Request.Headers.AcceptEncoding;
        var call = new UpstreamCall(request, principal, message, operation, billingGroupTag is not null)
        {
            AcceptEncoding = isReadAlong ? ContentCoding.KeepDecodable(codings) : codings,
        };
        if (operation == MessagesOperation.CountTokens && route.Model.Configured is { EstimatesTokenCounts: true })
        {
            await EstimateAsync(call);
            return;
        }

        await upstreams.RunAsync(new Exchange(call, body, route.Model, targets, billing, ticket));
    }

    private (ModelRoute? Route, IReadOnlyList<RouteTarget> Targets, ApiError? Refusal) FindTargets(
        MessagesRequest message, Principal principal, ModelAccess access, NestedModels? nested)
    {
        var model = message.Model;
        var route = routes.Find(model);
        if ((WhyNot(access, model, route) ?? nested?.Refusal(message.Body.Span)) is { } refusal)
        {
            return (null, [], ApiError.InvalidRequest(refusal));
        }

        var targets = route is null ? [] : routes.For(route, principal);
        return targets.Count > 0
            ? (route, targets, null)
            : (null, [], ApiError.InvalidRequest(routes.WhyNone(model, QuotedModel.Of(model), route, principal)));
    }

    /// <summary>
    /// At the price of the dearest upstream that may come to answer; null for a request that will be refused.
    /// </summary>
    private static PricedRequest? Priced(
        SpendGate spend, MessagesRequest? message, ModelRoute? route, IReadOnlyList<RouteTarget> targets)
    {
        if (message is null || route is null)
        {
            return null;
        }

        var dearest = At(targets[0]);
        for (var i = 1; i < targets.Count; i++)
        {
            dearest = spend.Dearer(dearest, At(targets[i]));
        }

        return dearest;

        PricedRequest At(RouteTarget target) => new(
            target.Upstream.Name, target.ModelId, route.Model.Id, message.Body.Length, message.MaxTokens);
    }

    private NestedModels NestedModels(ModelAccess access) => new(model => WhyNot(access, model, routes.Find(model)));

    private static string? WhyNot(ModelAccess access, string model, ModelRoute? route) =>
        access.Check(model, route?.Model) switch
        {
            ModelVerdict.Denied => $"model {QuotedModel.Of(model)} is blocked by your role's deniedModels denylist",
            ModelVerdict.NotAvailable =>
                $"model {QuotedModel.Of(model)} is not in your role's availableModels allowlist",
            _ => null,
        };

    private Task EstimateAsync(UpstreamCall call)
    {
        audit.AnsweredHere(call);
        var tokens = TokenEstimate.Of(call.Message.Body.Span);
        var response = call.Request.Http.Response;
        response.Headers["request-id"] = call.Request.Id;
        response.ContentType = Answers.Json;
        var json = string.Create(CultureInfo.InvariantCulture, $$"""{"input_tokens":{{tokens}}}""");
        return response.Body.WriteAsync(Encoding.UTF8.GetBytes(json), call.Aborted).AsTask();
    }

    private Task RefuseAsync(GatewayRequest request, Principal principal, ApiError error, BillingTag billing)
    {
        audit.Refused(request, principal, billing, error.Status);
        return error.WriteAsync(request);
    }
}
