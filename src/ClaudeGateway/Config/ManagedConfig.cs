using ClaudeGateway.Settings;

namespace ClaudeGateway.Config;

/// <summary>The <c>managed</c> section: which settings and models each group gets.</summary>
internal sealed record ManagedConfig
{
    public IReadOnlyList<PolicyConfig> Policies { get; init; } = [];

    /// <summary><c>policies: []</c>: nobody is matched, whereas without the key nothing is configured.</summary>
    public bool IsEmptyList { get; init; }

    public PolicyMode PolicyMode { get; init; } = PolicyMode.FirstMatch;

    /// <summary>
    /// Whether an unknown settings key is only warned about; our own option (<c>unknown_settings: warn</c>).
    /// </summary>
    public bool WarnOnUnknownSettings { get; init; }

    /// <summary>
    /// What the documents were checked with and are merged by; our own option (<c>settings_schema</c>) adds to the
    /// built-in ones.
    /// </summary>
    public SettingsSchemas Schemas { get; init; } = SettingsSchemas.BuiltIn;
}

internal enum PolicyMode
{
    FirstMatch,
    Layered,
}

/// <summary>One policy: whom it matches and what they are served.</summary>
internal sealed record PolicyConfig
{
    /// <summary>Null or without conditions matches everybody: the catch-all.</summary>
    public PolicyMatch Match { get; init; } = new(null, null);

    /// <summary>
    /// Settings of Claude Code under the file's key (<see cref="SettingsKey"/>); null when the policy has none.
    /// </summary>
    public PolicyDocument? Settings { get; init; }

    /// <summary>Which key held the settings; <c>settings</c> is another name of <c>cli</c>.</summary>
    public PolicySettingsKey SettingsKey { get; init; } = PolicySettingsKey.Cli;

    public PolicyDocument? Desktop { get; init; }

    public bool? ServeToDesktop { get; init; }
}

internal enum PolicySettingsKey
{
    Cli,
    Code,
}

/// <param name="Groups">Any of these, exact case; null does not ask.</param>
/// <param name="EmailDomain">Domain without "@", compared without regard to case; null does not ask.</param>
internal sealed record PolicyMatch(IReadOnlyList<string>? Groups, string? EmailDomain)
{
    public bool IsCatchAll => Groups is null && EmailDomain is null;
}
