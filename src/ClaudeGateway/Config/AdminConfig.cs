namespace ClaudeGateway.Config;

/// <summary>The <c>admin</c> section: who may use the spend API, and for how long its records are kept.</summary>
internal sealed record AdminConfig
{
    public IReadOnlyList<AdminKey> WriteKeys { get; init; } = [];

    public IReadOnlyList<AdminKey> ReadKeys { get; init; } = [];

    public IReadOnlyList<string> AdminGroups { get; init; } = [];

    /// <summary>Appended to the message of a blocked request.</summary>
    public string? BlockedMessage { get; init; }

    public int AuditRetentionDays { get; init; } = 365;

    public int SpendRetentionMonths { get; init; } = 13;

    public int IdentityRetentionDays { get; init; } = 90;

    public GroupLimitMode GroupLimitMode { get; init; } = GroupLimitMode.Min;

    /// <summary>Name of the request tag that is billed to a group; null leaves tags alone.</summary>
    public string? BillingGroupTag { get; init; }

    /// <summary>Where to tell of caps that fill up; null tells nobody.</summary>
    public AlertsConfig? Alerts { get; init; }
}

/// <summary>The <c>admin.alerts</c> section; ours.</summary>
/// <param name="Secret">Signs each call, so that the receiver can tell it from others'; null leaves them
/// unsigned.</param>
/// <param name="Thresholds">Percent of a cap, 1 to 100, ascending.</param>
internal sealed record AlertsConfig(Uri Url, Secret? Secret, IReadOnlyList<int> Thresholds);

/// <summary>A static credential of the admin API; ids are unique, keys at least 32 characters.</summary>
internal sealed record AdminKey(string Id, Secret Key);

/// <summary>Which cap counts for a developer in several capped groups.</summary>
internal enum GroupLimitMode
{
    Min,
    Max,
}

/// <summary>The <c>enforcement</c> section.</summary>
internal sealed record EnforcementConfig
{
    /// <summary>Whether inference is refused while spend cannot be checked.</summary>
    public bool FailClosedOnError { get; init; }

    /// <summary>What is set aside under a limit for a request in flight.</summary>
    public ReserveMode Reserve { get; init; } = ReserveMode.Usual;
}

/// <summary>How much output a request in flight is expected to cost at most.</summary>
internal enum ReserveMode
{
    /// <summary>
    /// What the developer's requests to the model usually give, and a tenth of <c>max_tokens</c> at least.
    /// </summary>
    Usual,

    /// <summary>All of <c>max_tokens</c>.</summary>
    Worst,
}

/// <summary>The <c>pricing</c> section; rates are US dollars per million tokens.</summary>
internal sealed record PricingConfig(decimal? Multiplier, IReadOnlyList<PriceOverride> Overrides);

/// <summary>
/// Rates of one model on one upstream, each above 0 and at most 10,000 US dollars per million tokens.
/// </summary>
internal sealed record PriceOverride(
    string Upstream, string Model, decimal Input, decimal Output, decimal CacheRead, decimal CacheWrite);
