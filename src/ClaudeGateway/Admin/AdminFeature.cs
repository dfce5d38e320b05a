using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Admin;

/// <summary>
/// The HTTP surface over <see cref="SpendFeature"/>: the admin API and a developer's own usage; signing a person out;
/// who runs which settings.
/// </summary>
internal static class AdminFeature
{
    public static void Map(
        Routes routes, AdminConfig config, SpendFeature spend, RequireSession session, RevocationStore revocations,
        MachineRegister machines, ManagedPolicies policies, TimeProvider clock, AuditLog audit)
    {
        var authentication = new AdminAuthentication(config, session, clock, audit);
        new AdminApi(
            authentication,
            new SpendLimitEndpoints(spend.Accounts, audit),
            new EffectiveEndpoint(spend),
            new AuditEndpoint(spend.Accounts.Limits)).Map(routes);
        new SignOutEndpoint(authentication, revocations, clock, audit).Map(routes);
        new SettingsVersionsEndpoint(authentication, machines, policies, clock).Map(routes);
        new UsageEndpoint(spend).Map(routes);
    }
}
