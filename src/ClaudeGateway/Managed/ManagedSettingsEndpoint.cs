using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Managed;

/// <summary>
/// GET /managed/settings: what a developer's policies say, by a poll that mostly ends in 304 (spec/policy.md).
/// </summary>
/// <param name="machines">Null where nobody could read who runs which settings.</param>
internal sealed class ManagedSettingsEndpoint(ManagedPolicies policies, SeenMachines? machines, AuditLog audit)
{
    private const string Path = "/managed/settings";

    public void Map(Routes routes)
    {
        routes.Session("GET", Path, HandleAsync);
        routes.SessionAnyMethod(Path, RefuseMethodAsync);
    }

    private Task HandleAsync(GatewayRequest request, Principal principal)
    {
        request.Http.Response.Headers["x-cc-gateway-version"] = GatewayVersion.Text;
        machines?.See(principal, SettingsVersion.HeldBy(request.Http.Request.Headers));
        request.Http.Response.Headers.Vary = "User-Agent";
        if (policies.For(principal) is not { } outcome)
        {
            return NotFoundAsync(request, policies.IsConfigured ? "no policy matched" : "not configured");
        }

        if (!outcome.ServesDesktopSessions && DesktopSession.Is(request.Http.Request.Headers.UserAgent.ToString()))
        {
            return NotFoundAsync(request, "not served to Claude Desktop sessions");
        }

        return ServeAsync(request, principal, outcome);
    }

    /// <summary>
    /// Only an answer that holds the settings is audited (measured on 2.1.332): a poll every hour by everybody says
    /// nothing new.
    /// </summary>
    private Task ServeAsync(GatewayRequest request, Principal principal, PolicyOutcome outcome)
    {
        var response = request.Http.Response;
        response.Headers.ETag = outcome.Document.ETag;
        switch (EntityTags.Match(request.Http.Request.Headers.IfNoneMatch, outcome.Document.ETag))
        {
            case EntityTagMatch.Tag:
                response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            case EntityTagMatch.Any when outcome.IsCode && !outcome.Document.IsEmpty:
                // Claude Desktop asks only whether there are settings: no cache may take that for an answer with a
                // body.
                Answers.NoStore(request);
                response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            default:
                audit.ManagedServe(
                    request.Id,
                    principal,
                    outcome.Selection.Index,
                    outcome.Selection.ReportedIndexes,
                    outcome.Document.Checksum);
                return Answers.WriteAsync(request, StatusCodes.Status200OK, Answers.Json, outcome.Document.Body);
        }
    }

    private static Task NotFoundAsync(GatewayRequest request, string reason)
    {
        Answers.NoStore(request);
        return Answers.TextAsync(request, StatusCodes.Status404NotFound, reason);
    }

    private static Task RefuseMethodAsync(GatewayRequest request, Principal principal)
    {
        request.Http.Response.Headers.Allow = "GET, HEAD";
        return Answers.TextAsync(request, StatusCodes.Status405MethodNotAllowed, "method not allowed");
    }
}
