using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Admin;

/// <summary>The HTTP surface over <see cref="SpendFeature"/>: the admin API and a developer's own usage.</summary>
internal static class AdminFeature
{
    public static void Map(Routes routes, AdminConfig config, SpendFeature spend, RequireSession session, TimeProvider clock, AuditLog audit)
    {
        new AdminApi(
            new AdminAuthentication(config, session, clock, audit),
            new SpendLimitEndpoints(spend.Accounts, audit),
            new EffectiveEndpoint(spend),
            new AuditEndpoint(spend.Accounts.Limits)).Map(routes);
        new UsageEndpoint(spend).Map(routes);
    }
}
