using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Managed.Desktop;

/// <summary>GET /user/bootstrap: the configuration of Claude Desktop for one developer (spec/policy.md).</summary>
internal sealed class BootstrapEndpoint(
    ManagedPolicies policies,
    GatewayConfig config,
    Func<Principal, IReadOnlyList<ListedModel>> models,
    TimeProvider clock,
    AuditLog audit)
{
    private readonly PublicOrigin _origin = new(config.Listen);

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public void Map(Routes routes) => routes.Session("GET", "/user/bootstrap", HandleAsync);

    private Task HandleAsync(GatewayRequest request, Principal principal)
    {
        Answers.NoStore(request);
        if (!policies.HasDesktop)
        {
            return DenyAsync(
                request,
                principal,
                "not_configured",
                "Claude Desktop is not configured here: no managed policy has a desktop block");
        }

        if (policies.For(principal) is not { } outcome)
        {
            return DenyAsync(request, principal, "no_policy_matched", "no policy matched");
        }

        if (outcome.Desktop is null)
        {
            return DenyAsync(
                request, principal, "policy_not_opted_in", "the policy of this developer has no desktop block");
        }

        audit.DesktopBootstrapServe(request.Id, principal, outcome.Selection.Index, outcome.Selection.ReportedIndexes);
        var isSpendAdmin = config.Admin is { } admin && principal.Groups.Any(admin.AdminGroups.Contains);
        request.Http.Response.Headers["x-gateway-spend-admin"] = isSpendAdmin ? "true" : "false";
        var body = Encoding.UTF8.GetBytes(
            Compose(outcome, outcome.Desktop, _origin.Of(request), principal).ToJsonString(Plain));
        return Answers.WriteAsync(request, StatusCodes.Status200OK, Answers.Json, body);
    }

    private JsonObject Compose(PolicyOutcome outcome, JsonObject desktop, string publicOrigin, Principal principal)
    {
        var bootstrap = new JsonObject
        {
            ["inferenceProvider"] = "gateway",
            ["inferenceGatewayBaseUrl"] = publicOrigin,
            ["inferenceCredentialKind"] = "interactive",
        };
        if (outcome.IsCode)
        {
            bootstrap["inferenceGatewayManagedClaudeCode"] = true;
        }

        if (models(principal) is { Count: > 0 } listed)
        {
            bootstrap["inferenceModels"] = new JsonArray([.. listed.Select(Describe)]);
        }

        DesktopSandbox.Add(bootstrap, outcome.Document.Settings, desktop);
        if (config.Telemetry is { ForwardTo.Count: > 0 } telemetry && config.Listen.PublicUrl is not null)
        {
            DesktopTelemetry.Add(bootstrap, telemetry, publicOrigin, principal);
        }

        foreach (var (key, value) in desktop)
        {
            bootstrap.TryAdd(key, value?.DeepClone());
        }

        // From this answer on, not the bearer's own end: a client that renews its bearer meanwhile has a configuration
        // that lasts as long (measured on 2.1.332).
        bootstrap["expiresAt"] = (clock.GetUtcNow() + config.Session.Ttl).ToUnixTimeSeconds();
        return bootstrap;
    }

    private static JsonObject Describe(ListedModel model)
    {
        var description = new JsonObject { ["name"] = model.Id };
        if (model.Label is not null)
        {
            description["labelOverride"] = model.Label;
        }

        if (model.SupportsOneMillionTokens)
        {
            description["supports1m"] = true;
        }

        return description;
    }

    private Task DenyAsync(GatewayRequest request, Principal principal, string reason, string message)
    {
        audit.DesktopBootstrapDenied(request.Id, reason, principal);
        return ApiError.NotFound(message).WriteAsync(request);
    }
}
