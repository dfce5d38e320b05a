using ClaudeGateway.Models;

namespace ClaudeGateway.Config;

/// <summary>
/// One gateway.yaml, parsed and checked: immutable, every default filled in, every rule of spec/config.md held.
/// </summary>
internal sealed record GatewayConfig
{
    /// <summary>The file it was read from, as the operator named it; of a URL without its query.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Lower-case hexadecimal SHA-256 of the file's bytes, for the <c>config.load</c> audit event. Not of the resolved
    /// values: a hash over secrets helps guessing weak ones.
    /// </summary>
    public required string Sha256 { get; init; }

    /// <summary>What the server it was fetched from calls this version; null for a file, and where it says
    /// nothing.</summary>
    public string? ETag { get; init; }

    /// <summary>
    /// Shown in the device authorization answer and on the sign-in page; already cleaned. Null when not configured.
    /// </summary>
    public string? LoginNotice { get; init; }

    public required ListenConfig Listen { get; init; }

    public required OidcConfig Oidc { get; init; }

    public required SessionConfig Session { get; init; }

    public required StoreConfig Store { get; init; }

    /// <summary>In order of preference; at least one; names are unique.</summary>
    public required IReadOnlyList<UpstreamConfig> Upstreams { get; init; }

    /// <summary>Configured models in file order; duplicates keep the first.</summary>
    public IReadOnlyList<ModelConfig> Models { get; init; } = [];

    public bool AutoIncludeBuiltinModels { get; init; } = true;

    public AdminConfig? Admin { get; init; }

    public EnforcementConfig Enforcement { get; init; } = new();

    public PricingConfig? Pricing { get; init; }

    public ManagedConfig? Managed { get; init; }

    public TelemetryConfig? Telemetry { get; init; }

    /// <summary>Null measures and exports nothing.</summary>
    public ObservabilityConfig? Observability { get; init; }

    public AccessControlConfig AccessControl { get; init; } = new();

    public LimitsConfig Limits { get; init; } = new();

    public TimeoutsConfig Timeouts { get; init; } = new();

    public RateLimitsConfig RateLimits { get; init; } = new();

    public LoadTestModeConfig? LoadTestMode { get; init; }

    /// <summary>What the operator should know but need not fix; printed at boot and by <c>check</c>.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
