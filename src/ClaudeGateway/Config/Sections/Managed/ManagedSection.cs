using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Settings;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Managed;

/// <summary>Keys of <c>managed</c>.</summary>
internal static class ManagedSection
{
    private static readonly Key<IReadOnlyList<string>> Groups = new(
        "groups", ListOf(Text(), 1), "Any of these groups, exact case.")
    {
        Example = "[engineering]",
    };

    private static readonly Key<string> EmailDomain = new(
        "email_domain",
        Text(0).Named("domain").Must(DomainProblem),
        "Domain of the developer's address, without regard to case.")
    {
        Example = "example.com",
    };

    private static readonly Key<PolicyMatch> Match = new(
        "match",
        Object(
            [Groups, EmailDomain],
            fields =>
                new PolicyMatch(fields.Get(Groups), fields.Get(EmailDomain) is { } domain ? BareDomain(domain) : null),
            WarnAboutIdleConditions),
        "Whom the policy is for; all conditions hold together. Absent or empty, it matches everybody and is the base "
            + "of the policies before it.");

    private static readonly Key<PolicyDocument> Cli = new(
        "cli", SettingsBlocks.Cli, "Settings served to Claude Code in terminals and editors.")
    {
        Example = "{ availableModels: [sonnet] }",
    };

    private static readonly Key<PolicyDocument> Code = new(
        "code",
        SettingsBlocks.Cli,
        "Settings served to Claude Code everywhere, Claude Desktop included. Not beside `cli` or `settings` anywhere "
            + "in the file.")
    {
        Example = "{ availableModels: [sonnet] }",
    };

    private static readonly Key<PolicyDocument> Settings = new("settings", SettingsBlocks.Cli, "Another name of `cli`.")
    {
        Example = "{ availableModels: [sonnet] }",
    };

    private static readonly Key<PolicyDocument> Desktop = new(
        "desktop",
        SettingsBlocks.Desktop,
        "Settings served to Claude Desktop; a policy without it serves Desktop nothing.")
    {
        Example = "{ banner: { text: Internal use } }",
    };

    private static readonly Key<bool> ServeToDesktop = new(
        "serve_to_desktop", Flag(), "Serve `cli` settings to Desktop's Claude Code sessions too.")
    {
        Example = "true",
    };

    private static readonly Shape<PolicyConfig> Policy = Object(
        [Match, Cli, Code, Settings, Desktop, ServeToDesktop], BuildPolicy, CheckPolicy);

    private static readonly Key<IReadOnlyList<PolicyConfig>> Policies = new(
        "policies", ListOf(Policy).Checked(CheckOneKind), "Policies, the first match first.");

    private static readonly Key<PolicyMode> Mode = new(
        "policy_mode",
        Choice(("first_match", PolicyMode.FirstMatch), ("layered", PolicyMode.Layered)),
        "Serve the first matching policy over the catch-all, or fold all matching ones.")
    {
        Default = "first_match",
    };

    private static readonly Key<bool> UnknownSettings = new(
        "unknown_settings",
        Choice(("refuse", false), ("warn", true)).Checked((warn, _, reading) => reading.WarnOnUnknownSettings = warn),
        "Whether an unknown settings key stops the boot or is only warned about and passed on. Our own key.")
    {
        Default = "refuse",
    };

    private static readonly Key<SettingsSchemas> Schemas = new(
        "settings_schema",
        new SettingsSchemaShape(),
        "JSON file that adds settings keys, hook events and values to those this release knows, in the form "
            + "`claude-gateway schema --settings` prints. Our own key.")
    {
        Example = "/etc/gateway/settings-schema.json",
    };

    private static readonly Key<PolicyConfig?> SettingsFile = new(
        "settings",
        new SettingsFileShape(),
        "JSON settings file served to everybody; used only when `policies` is absent.")
    {
        Example = "/etc/gateway/managed-settings.json",
    };

    public static readonly Shape<ManagedConfig> Shape = Object(
        [UnknownSettings, Schemas, Policies, Mode, SettingsFile], Build, Check);

    private static ManagedConfig Build(Fields fields) => new()
    {
        Policies = fields.Get(Policies) ?? (fields.Get(SettingsFile) is { } file ? [file] : []),
        IsEmptyList = fields.Get(Policies) is { Count: 0 },
        PolicyMode = fields.Get(Mode),
        WarnOnUnknownSettings = fields.Get(UnknownSettings),
        Schemas = fields.Get(Schemas) ?? SettingsSchemas.BuiltIn,
    };

    private static void Check(Fields fields)
    {
        if (fields.IsGiven(Policies) && fields.IsGiven(SettingsFile))
        {
            fields.Warn(SettingsFile, "is ignored because managed.policies is given");
        }
    }

    private static PolicyConfig BuildPolicy(Fields fields) => new()
    {
        Match = fields.Get(Match) ?? new PolicyMatch(null, null),
        Settings = fields.Get(Code) ?? fields.Get(Cli) ?? fields.Get(Settings),
        SettingsKey = fields.IsGiven(Code) ? PolicySettingsKey.Code : PolicySettingsKey.Cli,
        Desktop = fields.Get(Desktop),
        ServeToDesktop = fields.Find(ServeToDesktop),
    };

    private static void CheckPolicy(Fields fields)
    {
        if (fields.IsGiven(Code) && (fields.IsGiven(Cli) || fields.IsGiven(Settings)))
        {
            fields.Problem(Code, "cannot stand beside cli or settings; use code for everything, or cli for everything");
        }
        else if (fields.IsGiven(Cli) && fields.IsGiven(Settings))
        {
            fields.Warn(Settings, "is ignored because cli, its other name, is given too");
        }
        else if (fields.IsGiven(Code) && fields.Find(ServeToDesktop) is false)
        {
            fields.Warn(ServeToDesktop, "false is ignored with code, which is served to Desktop too");
        }
    }

    private static void CheckOneKind(IReadOnlyList<PolicyConfig> policies, ConfigNode node, ConfigReading reading)
    {
        var items = ((ConfigList)node).Items;
        var code = policies.ToList()
            .FindIndex(policy => policy is { Settings: not null, SettingsKey: PolicySettingsKey.Code });
        var cli = policies.ToList()
            .FindIndex(policy => policy is { Settings: not null, SettingsKey: PolicySettingsKey.Cli });
        if (code >= 0 && cli >= 0)
        {
            reading.Problem(
                items[Math.Max(code, cli)],
                $"policies[{code}] has code and policies[{cli}] has cli (or settings); the whole file uses one of "
                    + "them");
        }
    }

    private static void WarnAboutIdleConditions(Fields fields)
    {
        if (fields.Has(EmailDomain) && fields.Get(EmailDomain) is { } domain
            && (BareDomain(domain).StartsWith('.') || domain.Contains('*', StringComparison.Ordinal)))
        {
            fields.Warn(EmailDomain, "matches nobody: domains are compared whole, without wildcards");
        }

        if (fields.Has(Groups) && fields.Get(Groups).Any(string.IsNullOrWhiteSpace))
        {
            fields.Warn(Groups, "has a blank entry, which matches nobody");
        }
    }

    private static string? DomainProblem(string text)
    {
        var domain = BareDomain(text);
        return domain.Length == 0 || domain.Any(c => char.IsWhiteSpace(c) || c is '@' or ',')
            ? "must be one bare domain such as example.com"
            : null;
    }

    private static string BareDomain(string text)
    {
        var trimmed = text.Trim();
        return trimmed.StartsWith('@') ? trimmed[1..] : trimmed;
    }
}
