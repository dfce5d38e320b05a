using ClaudeGateway.Http;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Admin;

/// <summary>
/// The HTTP surface over <see cref="SpendFeature"/>: the admin API and a developer's own usage; signing a person out;
/// who runs which settings.
/// </summary>
internal static class AdminFeature
{
    public static void Map(Routes routes, AdminParts parts)
    {
        var (spend, clock, audit) = (parts.Spend, parts.Clock, parts.Audit);
        var authentication = new AdminAuthentication(parts.Config, parts.Session, clock, audit);
        new AdminApi(
            authentication,
            new SpendLimitEndpoints(spend.Accounts, audit),
            new EffectiveEndpoint(spend),
            new AuditEndpoint(spend.Accounts.Limits)).Map(routes);
        new SignOutEndpoint(authentication, parts.Revocations, clock, audit).Map(routes);
        new SettingsVersionsEndpoint(authentication, parts.Machines, parts.Policies, clock).Map(routes);
        new UsageEndpoint(spend).Map(routes);
    }
}
