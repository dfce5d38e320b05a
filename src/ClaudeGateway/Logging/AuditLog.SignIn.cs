namespace ClaudeGateway.Logging;

internal sealed partial class AuditLog
{
    /// <param name="result"><c>success</c> or <c>rate_limited</c>.</param>
    public void DeviceAuthorize(string requestId, string result, string clientIp) => SignInStep("device.authorize", requestId, result, clientIp);

    /// <param name="result"><c>redirect</c>, <c>unknown_code</c>, <c>csrf_rejected</c> or <c>rate_limited</c>.</param>
    public void DeviceVerify(string requestId, string result, string clientIp) => SignInStep("device.verify", requestId, result, clientIp);

    /// <param name="result"><c>browser_mismatch</c>, <c>invalid_state</c> or <c>idp_error</c>.</param>
    public void DeviceCallback(string requestId, string result, string clientIp) => SignInStep("device.callback", requestId, result, clientIp);

    /// <param name="clientIp">The browser's address.</param>
    /// <param name="requestedFrom">The device's address.</param>
    public void DeviceDeny(string requestId, string clientIp, string requestedFrom, DateTimeOffset requestedAt)
    {
        var json = Begin("device.deny");
        json.WriteString("request_id", requestId);
        json.WriteString("result", "denied");
        json.WriteString("client_ip", clientIp);
        json.WriteString("requested_from", requestedFrom);
        json.WriteString("requested_at", requestedAt.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture));
        End(json);
    }

    /// <param name="clientIp">The browser's address.</param>
    /// <param name="surface">The client application, when it named itself.</param>
    public void SessionMint(string requestId, string sub, string? email, string clientIp, double ttlHours, string? surface)
    {
        var json = Begin("session.mint");
        json.WriteString("request_id", requestId);
        json.WriteString("result", "success");
        json.WriteString("sub", sub);
        if (email is not null)
        {
            json.WriteString("email", email);
        }

        json.WriteString("client_ip", clientIp);
        json.WriteNumber("ttl_hours", ttlHours);
        if (surface is not null)
        {
            json.WriteString("surface", surface);
        }

        End(json);
    }

    /// <param name="error">Why, without the value of a claim, code or token.</param>
    public void SessionMintFailed(string requestId, string clientIp, string error)
    {
        var json = Begin("session.mint");
        json.WriteString("request_id", requestId);
        json.WriteString("result", "fail");
        json.WriteString("client_ip", clientIp);
        json.WriteString("err", error);
        End(json);
    }

    public void SessionRefresh(string requestId, string sub, string? email, string clientIp, double ttlHours)
    {
        var json = Begin("session.refresh");
        json.WriteString("request_id", requestId);
        json.WriteString("result", "success");
        json.WriteString("sub", sub);
        if (email is not null)
        {
            json.WriteString("email", email);
        }

        json.WriteString("client_ip", clientIp);
        json.WriteNumber("ttl_hours", ttlHours);
        End(json);
    }

    /// <param name="step"><c>token_endpoint</c>, <c>claims</c> or <c>userinfo_no_id_token</c>: where it failed.</param>
    /// <param name="answer">The OAuth error the client got.</param>
    public void SessionRefreshFailed(string requestId, string clientIp, string error, string step, string answer)
    {
        var json = Begin("session.refresh");
        json.WriteString("request_id", requestId);
        json.WriteString("result", "fail");
        json.WriteString("client_ip", clientIp);
        json.WriteString("err", error);
        json.WriteString("step", step);
        json.WriteString("answer", answer);
        End(json);
    }

    /// <param name="sub">Whose session ended; null when the token was not one of ours.</param>
    public void SessionRevoke(string requestId, string? sub, string clientIp)
    {
        var json = Begin("session.revoke");
        json.WriteString("request_id", requestId);
        json.WriteString("result", sub is null ? "unknown_token" : "success");
        if (sub is not null)
        {
            json.WriteString("sub", sub);
        }

        json.WriteString("client_ip", clientIp);
        End(json);
    }

    /// <param name="actor">The administrator: <c>admin-key:id</c> or <c>oidc:sub</c>.</param>
    public void AdminSignOut(string requestId, string actor, string sub, string clientIp)
    {
        var json = Begin("admin.sign_out");
        json.WriteString("request_id", requestId);
        json.WriteString("actor", actor);
        json.WriteString("sub", sub);
        json.WriteString("client_ip", clientIp);
        End(json);
    }

    private void SignInStep(string evt, string requestId, string result, string clientIp)
    {
        var json = Begin(evt);
        json.WriteString("request_id", requestId);
        json.WriteString("result", result);
        json.WriteString("client_ip", clientIp);
        End(json);
    }
}
