using System.Net.Sockets;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Net;

namespace ClaudeGateway.Http;

/// <summary>Which client addresses are served at all (spec/auth.md, Access control and client address).</summary>
internal sealed class AccessControl(AccessControlConfig config, AuditLog audit)
{
    private int _publicClientSeen;

    /// <summary>Whether the request may go on; a refusal is audited here and answered by the caller with 403.</summary>
    public bool Admits(GatewayRequest request, string? unreadableHop)
    {
        var isProbe = request.Path is "/healthz" or "/readyz";
        if (unreadableHop is not null && (config.DenyCidrs.Count > 0 || (config.AllowCidrs.Count > 0 && !isProbe)))
        {
            return Deny(request, "xff_unparseable", unreadableHop);
        }

        if (AddressRules.Contains(config.DenyCidrs, request.ClientAddress))
        {
            return Deny(request, "ip_denylist", null);
        }

        if (config.AllowCidrs.Count == 0)
        {
            NoticePublicClient(request, isProbe);
            return true;
        }

        return isProbe || AddressRules.Contains(config.AllowCidrs, request.ClientAddress)
            || Deny(request, "ip_not_allowlisted", null);
    }

    /// <summary>
    /// Once for each configuration that comes into force, as a reload may have opened it: a gateway open to the
    /// internet by mistake should show in the audit.
    /// </summary>
    private void NoticePublicClient(GatewayRequest request, bool isProbe)
    {
        if (_publicClientSeen == 0 && !isProbe && !AddressRules.IsPrivate(request.ClientAddress)
            && request.ClientAddress.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
            && Interlocked.Exchange(ref _publicClientSeen, 1) == 0)
        {
            audit.PublicClient(request.Id, request.ClientAddress.ToString());
        }
    }

    private bool Deny(GatewayRequest request, string reason, string? hop)
    {
        audit.AccessDenied(request.Id, reason, request.ClientAddress.ToString(), hop);
        return false;
    }
}
