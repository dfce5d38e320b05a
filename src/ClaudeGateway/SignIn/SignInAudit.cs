using System.Text.Json;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.SignIn.Groups;

namespace ClaudeGateway.SignIn;

/// <summary>Audit events of sign-in, refresh and sign-out (spec/auth.md).</summary>
internal static class SignInAudit
{
    private static readonly EventCounter SignIns = new(
        "claude_gateway.sign_ins", "{sign_in}",
        "Steps of sign-ins by result: authorize (a device asked), verify and callback (a browser), session (it ended).",
        "claude_gateway.step", "claude_gateway.result");

    private static readonly EventCounter Refreshes = new(
        "claude_gateway.refreshes", "{refresh}", "Refreshed sessions, and refused refreshes by where they failed.",
        "claude_gateway.result");

    private static readonly EventCounter Revocations = new(
        "claude_gateway.revocations", "{revocation}", "Sessions ended by their clients.", "claude_gateway.result");

    /// <param name="result"><c>success</c> or <c>rate_limited</c>.</param>
    public static void DeviceAuthorize(this AuditLog audit, string requestId, string result, string clientIp) =>
        SignInStep(audit, "authorize", requestId, result, clientIp);

    /// <param name="result"><c>redirect</c>, <c>unknown_code</c>, <c>csrf_rejected</c> or <c>rate_limited</c>.</param>
    public static void DeviceVerify(this AuditLog audit, string requestId, string result, string clientIp) =>
        SignInStep(audit, "verify", requestId, result, clientIp);

    /// <param name="result"><c>browser_mismatch</c>, <c>invalid_state</c>, <c>idp_error</c> or
    /// <c>rate_limited</c>.</param>
    public static void DeviceCallback(this AuditLog audit, string requestId, string result, string clientIp) =>
        SignInStep(audit, "callback", requestId, result, clientIp);

    /// <param name="clientIp">The browser's address.</param>
    /// <param name="requestedFrom">The device's address.</param>
    public static void DeviceDeny(
        this AuditLog audit, string requestId, string clientIp, string requestedFrom, DateTimeOffset requestedAt)
    {
        audit.Meter.Count(SignIns, "session", "denied");
        var json = audit.Begin("device.deny", requestId);
        json.WriteString("result", "denied");
        json.WriteString("client_ip", clientIp);
        json.WriteString("requested_from", requestedFrom);
        json.WriteString("requested_at", Rfc3339.Milliseconds(requestedAt));
        audit.End(json);
    }

    /// <param name="clientIp">The browser's address.</param>
    /// <param name="surface">The client application, when it named itself.</param>
    /// <param name="omitted">Whether the bearer lacks groups of the developer.</param>
    public static void SessionMint(
        this AuditLog audit, string requestId, string sub, string? email, string clientIp, double ttlHours,
        string? surface, OmittedGroups omitted)
    {
        audit.Meter.Count(SignIns, "session", "success");
        var json = audit.Begin("session.mint", requestId);
        json.WriteString("result", "success");
        json.WriteString("sub", sub);
        json.WriteOptional("email", email);
        json.WriteString("client_ip", clientIp);
        json.WriteNumber("ttl_hours", ttlHours);
        json.WriteOptional("surface", surface);
        json.WriteOptional("groups_omitted", omitted switch
        {
            OmittedGroups.ByIdp => "by_idp",
            OmittedGroups.Unnamed => "unnamed",
            _ => null,
        });
        audit.End(json);
    }

    /// <param name="error">Why, without the value of a claim, code or token.</param>
    public static void SessionMintFailed(this AuditLog audit, string requestId, string clientIp, string error)
    {
        audit.Meter.Count(SignIns, "session", "fail");
        var json = audit.Begin("session.mint", requestId);
        json.WriteString("result", "fail");
        json.WriteString("client_ip", clientIp);
        json.WriteString("err", error);
        audit.End(json);
    }

    /// <param name="isRepeated">Whether another request with the same refresh token had this answer first.</param>
    public static void SessionRefresh(
        this AuditLog audit, string requestId, string sub, string? email, string clientIp, double ttlHours,
        bool isRepeated)
    {
        audit.Meter.Count(Refreshes, "success");
        var json = audit.Begin("session.refresh", requestId);
        json.WriteString("result", "success");
        json.WriteString("sub", sub);
        json.WriteOptional("email", email);
        json.WriteString("client_ip", clientIp);
        json.WriteNumber("ttl_hours", ttlHours);
        WriteRepeated(json, isRepeated);
        audit.End(json);
    }

    /// <param name="step"><c>token_endpoint</c>, <c>claims</c> or <c>userinfo_no_id_token</c>: where it failed.</param>
    /// <param name="answer">The OAuth error the client got.</param>
    public static void SessionRefreshFailed(
        this AuditLog audit, string requestId, string clientIp, string error, string step, string answer,
        bool isRepeated)
    {
        audit.Meter.Count(Refreshes, step);
        var json = audit.Begin("session.refresh", requestId);
        json.WriteString("result", "fail");
        json.WriteString("client_ip", clientIp);
        json.WriteString("err", error);
        json.WriteString("step", step);
        json.WriteString("answer", answer);
        WriteRepeated(json, isRepeated);
        audit.End(json);
    }

    /// <param name="sub">Whose session ended; null when the token was not one of ours.</param>
    public static void SessionRevoke(this AuditLog audit, string requestId, string? sub, string clientIp)
    {
        var result = sub is null ? "unknown_token" : "success";
        audit.Meter.Count(Revocations, result);
        var json = audit.Begin("session.revoke", requestId);
        json.WriteString("result", result);
        json.WriteOptional("sub", sub);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }

    private static void WriteRepeated(Utf8JsonWriter json, bool isRepeated)
    {
        if (isRepeated)
        {
            json.WriteBoolean("repeated", true);
        }
    }

    private static void SignInStep(AuditLog audit, string step, string requestId, string result, string clientIp)
    {
        audit.Meter.Count(SignIns, step, result);
        var json = audit.Begin($"device.{step}", requestId);
        json.WriteString("result", result);
        json.WriteString("client_ip", clientIp);
        audit.End(json);
    }
}
