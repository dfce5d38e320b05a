using ClaudeGateway.Config;

namespace ClaudeGateway;

/// <summary>Sections that are read and checked but do nothing in this build. Whoever builds one deletes its line.</summary>
internal static class UnbuiltFeatures
{
    private static readonly (Func<GatewayConfig, bool> IsUsed, string Name)[] All =
    [
        (config => config.LoadTestMode is { Enabled: true }, "load_test_mode: canned answers"),
        (config => config.Oidc.GoogleGroups is not null, "oidc.google_groups: group lookup in Google Workspace"),
    ];

    public static IEnumerable<string> In(GatewayConfig config) => All.Where(feature => feature.IsUsed(config)).Select(feature => $"{feature.Name}: not in this build, the section has no effect");
}
