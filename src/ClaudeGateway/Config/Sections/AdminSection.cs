using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>admin</c>.</summary>
internal static partial class AdminSection
{
    private static readonly Key<string> Id = new("id", Text(0), "Name of the key in the audit log.")
    {
        IsRequired = true,
        Example = "terraform",
    };

    private static readonly Key<Secret> Secret = new("key", SecretText(32), "The key itself.")
    {
        IsRequired = true,
        Example = "${GATEWAY_ADMIN_KEY}",
    };

    private static readonly Shape<AdminKey> AdminKeyShape = Object(
        [Id, Secret], fields => new AdminKey(fields.Get(Id), fields.Get(Secret)));

    private static readonly Key<IReadOnlyList<AdminKey>> WriteKeys = new(
        "write_keys", ListOf(AdminKeyShape), "Keys that may read and change spend limits.")
    {
        Default = "[]",
    };

    private static readonly Key<IReadOnlyList<AdminKey>> ReadKeys = new(
        "read_keys", ListOf(AdminKeyShape), "Keys that may only read.")
    {
        Default = "[]",
    };

    private static readonly Key<IReadOnlyList<string>> AdminGroups = new(
        "admin_groups", ListOf(Text()), "Developers in one of these groups may use the admin API with their bearer.")
    {
        Default = "[]",
        Example = "[gateway-admins]",
    };

    private static readonly Key<string> BlockedMessage = new(
        "blocked_message", Text(0), "Appended to the message of a blocked request: whom to ask.")
    {
        Example = "Ask #claude-help for more",
    };

    /// <summary>
    /// A thousand years: "for ever" for whoever means that, and still a day of the calendar when it is taken from
    /// today.
    /// </summary>
    private const int MaxYears = 1000;
    private const int MaxMonths = MaxYears * 12;
    private const int MaxDays = MaxYears * 365;

    private static readonly Key<int> AuditRetentionDays = new(
        "audit_retention_days", Integer(1, MaxDays), "Days for which changes of limits are kept.")
    {
        Default = "365",
    };

    private static readonly Key<int> SpendRetentionMonths = new(
        "spend_retention_months", Integer(1, MaxMonths), "Months for which spend is kept.")
    {
        Default = "13",
    };

    private static readonly Key<int> IdentityRetentionDays = new(
        "identity_retention_days",
        Integer(1, MaxDays),
        "Days for which names and addresses of inactive developers are kept.")
    {
        Default = "90",
    };

    private static readonly Key<GroupLimitMode> Mode = new(
        "group_limit_mode",
        Choice(("min", GroupLimitMode.Min), ("max", GroupLimitMode.Max)),
        "Which limit counts for a developer in several limited groups.")
    {
        Default = "min",
    };

    private static readonly Key<string> BillingGroupTag = new(
        "billing_group_tag",
        Text().Named("text, 1 to 64 characters").Must(TagProblem),
        "Request tag by which a client says to which of the developer's groups a request is billed.")
    {
        Example = "cost-center",
    };

    private static readonly Key<Uri> AlertUrl = new(
        "url",
        SecretText().Named("http(s) URL").Must(url => HttpUrlProblem(url.Reveal()))
        .As(url => new Uri(url.Reveal().Trim())),
        "Receives a JSON POST; a Slack incoming webhook works as it is.")
    {
        IsRequired = true,
        Example = "${SLACK_WEBHOOK_URL}",
    };

    private static readonly Key<Secret> AlertSecret = new(
        "secret",
        SecretText(16),
        "Signs each call: HMAC-SHA256 over `<time>.<body>` in the header `x-claude-gateway-signature`.")
    {
        Example = "${ALERT_SECRET}",
    };

    private static readonly Key<IReadOnlyList<int>> AlertThresholds = new(
        "thresholds", ListOf(Integer(1, 100), 1), "Percent of a limit at which to call.")
    {
        Default = "[75, 90, 100]",
    };

    private static readonly Key<AlertsConfig> Alerts = new(
        "alerts",
        Object(
            [AlertUrl, AlertSecret, AlertThresholds],
            fields =>
                new AlertsConfig(
                    fields.Get(AlertUrl), fields.Get(AlertSecret), [.. fields.Get(AlertThresholds).Distinct().Order()]),
            CheckAlerts),
        "Tells of spend limits and budgets that fill up: once for each threshold and period, whatever the number of "
            + "replicas.");

    public static readonly Shape<AdminConfig> Shape = Object(
        [
            WriteKeys, ReadKeys, AdminGroups, BlockedMessage, AuditRetentionDays, SpendRetentionMonths,
            IdentityRetentionDays, Mode, BillingGroupTag, Alerts],
        Build,
        Check);

    private static void CheckAlerts(Fields fields)
    {
        if (fields.Has(AlertUrl))
        {
            LoopbackRules.Check(fields, AlertUrl, fields.Get(AlertUrl));
        }
    }

    private static void Check(Fields fields)
    {
        var keys = (fields.Get(WriteKeys) ?? []).Concat(fields.Get(ReadKeys) ?? []).ToArray();
        var place = fields.IsGiven(WriteKeys) ? (Key)WriteKeys : ReadKeys;
        foreach (var same in keys.GroupBy(key => key.Id, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            fields.Problem(
                place,
                $"the id '{same.Key}' is used {same.Count()} times; ids are unique over write_keys and read_keys");
        }

        if (keys.Any(key => string.IsNullOrWhiteSpace(key.Id)))
        {
            fields.Warn(place, "has a key with a blank id: the audit log cannot name it");
        }

        foreach (var same in keys.GroupBy(key => key.Key.Reveal(), StringComparer.Ordinal)
            .Where(group => group.Select(key => key.Id).Distinct(StringComparer.Ordinal).Count() > 1))
        {
            fields.Warn(
                place,
                $"the ids {string.Join(", ", same.Select(key => key.Id))} have the same key: the audit log cannot tell "
                    + "them apart");
        }

        if (fields.Has(AdminGroups) && fields.Get(AdminGroups).Any(string.IsNullOrWhiteSpace))
        {
            fields.Warn(AdminGroups, "has a blank entry, which matches nobody");
        }
    }

    private static AdminConfig Build(Fields fields) => new()
    {
        WriteKeys = fields.Get(WriteKeys),
        ReadKeys = fields.Get(ReadKeys),
        AdminGroups = fields.Get(AdminGroups),
        BlockedMessage = fields.Get(BlockedMessage),
        AuditRetentionDays = fields.Get(AuditRetentionDays),
        SpendRetentionMonths = fields.Get(SpendRetentionMonths),
        IdentityRetentionDays = fields.Get(IdentityRetentionDays),
        GroupLimitMode = fields.Get(Mode),
        BillingGroupTag = fields.Get(BillingGroupTag),
        Alerts = fields.Get(Alerts),
    };

    private static string? TagProblem(string tag) =>
        !Tag().IsMatch(tag) ? "must be 1 to 64 of ASCII letters, digits and _ . : / = + - @"
        : tag.StartsWith("anthropic", StringComparison.OrdinalIgnoreCase)
        ? "must not begin with 'anthropic', which is reserved"
        : null;

    [GeneratedRegex(@"^[A-Za-z0-9_.:/=+@-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Tag();
}
