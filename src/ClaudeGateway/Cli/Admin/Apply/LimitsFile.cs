using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;
using ClaudeGateway.Settings;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary>A limit of the file and where it stands there.</summary>
internal sealed record FileLimit(LimitState State, ConfigPosition Position, string Path);

/// <summary>
/// Reads limits.yaml: <c>limits</c>, a list of limits with the members of POST spend_limits. Every problem is found at
/// once, by line and column; references are not expanded.
/// </summary>
internal sealed class LimitsFile
{
    /// <summary>As the admin API has it.</summary>
    private const int MaxAmountDigits = 18;
    private const int MaxIdCharacters = 4096;

    private static readonly string[] TopKeys = ["limits"];
    private static readonly string[] LimitKeys = ["scope", "amount", "period", "currency", "pooled_budget"];
    private static readonly string[] ScopeKeys = ["type", "user_id", "rbac_group_id"];
    private static readonly string[] PoolKeys = ["amount", "paused", "currency"];

    private readonly List<ConfigProblem> _problems = [];
    private readonly List<FileLimit> _limits = [];

    private LimitsFile()
    {
    }

    /// <summary>The limits in the order of the file, or every problem on a line of its own.</summary>
    /// <param name="name">Only names the file.</param>
    public static (IReadOnlyList<FileLimit> Limits, IReadOnlyList<string> Problems) Read(string name, byte[] bytes)
    {
        var file = new LimitsFile();
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
            file.ReadRoot(YamlComposer.Compose(text, (position, warning) => file.Complain(position, "", warning)));
        }
        catch (DecoderFallbackException e)
        {
            file.Complain(new ConfigPosition(1, 1), "", $"not UTF-8: byte {e.Index} begins no character");
        }
        catch (YamlReadException e)
        {
            file.Complain(e.Position, "", e.Message);
        }

        return (file._limits, [.. file._problems
            .OrderBy(problem => problem.Position.Line).ThenBy(problem => problem.Position.Column)
            .Select(problem => problem.Describe(name))]);
    }

    /// <summary>Limits that are the same one: which of them should hold, nobody can say.</summary>
    public static IEnumerable<ConfigProblem> Duplicates(IEnumerable<FileLimit> limits)
    {
        var first = new Dictionary<LimitTarget, FileLimit>();
        foreach (var limit in limits)
        {
            if (!first.TryAdd(limit.State.Target, limit))
            {
                yield return new ConfigProblem(
                    limit.Position,
                    limit.Path,
                    $"{limit.State.Name} is given twice, first at line {first[limit.State.Target].Position.Line}");
            }
        }
    }

    private void ReadRoot(YamlNode root)
    {
        if (Map(root, "", TopKeys) is not { } top)
        {
            return;
        }

        if (Find(top, "limits") is not { } limits)
        {
            // Not the same as an empty list: a file that was cut off must not delete anything.
            Complain(root.Position, "limits", "is required; 'limits: []' means that there are none");
            return;
        }

        if (limits is not YamlList list)
        {
            Complain(limits.Position, "limits", "must be a list");
            return;
        }

        for (var i = 0; i < list.Items.Count; i++)
        {
            ReadLimit(list.Items[i], $"limits[{i}]");
        }

        _problems.AddRange(Duplicates(_limits));
    }

    private void ReadLimit(YamlNode node, string path)
    {
        var before = _problems.Count;
        if (Map(node, path, LimitKeys) is not { } map)
        {
            return;
        }

        var scope = ReadScope(map, path);
        var period = ReadPeriod(map, path);
        var amount = Find(map, "amount") is { } given
            ? Amount(given, path + ".amount")
            : Required(map, path + ".amount");
        ReadCurrency(map, path);
        var pool = Find(map, "pooled_budget") is { } shared and not YamlScalar { Type: ScalarType.Null }
            ? ReadPool(shared, path + ".pooled_budget", scope, period, amount)
            : null;
        if (_problems.Count == before)
        {
            _limits.Add(new FileLimit(
                new LimitState(new LimitTarget(scope!.Value, period), amount, pool), node.Position, path));
        }
    }

    private SpendScope? ReadScope(YamlMap limit, string at)
    {
        var path = at + ".scope";
        if (Find(limit, "scope") is not { } node)
        {
            Required(limit, path);
            return null;
        }

        if (Map(node, path, ScopeKeys) is not { } map)
        {
            return null;
        }

        var typeName = (Find(map, "type") as YamlScalar)?.Text;
        if (SpendScope.ParseType(typeName) is not { } type)
        {
            Complain(
                (Find(map, "type") ?? map).Position,
                path + ".type",
                "must be user, rbac_group or organization"
                    + NearestKey.Suggestion(typeName ?? "", ["user", "rbac_group", "organization"]));
            return null;
        }

        var idKey = type switch
        {
            SpendScopeType.User => "user_id",
            SpendScopeType.RbacGroup => "rbac_group_id",
            _ => null,
        };
        foreach (var entry in map.Entries.Where(entry => entry.Key != "type" && entry.Key != idKey))
        {
            if (ScopeKeys.Contains(entry.Key, StringComparer.Ordinal))
            {
                Complain(entry.KeyPosition, $"{path}.{entry.Key}", $"is not for the type {typeName}");
            }
        }

        return idKey is null ? SpendScope.Organization : ReadId(map, type, $"{path}.{idKey}", idKey);
    }

    private SpendScope? ReadId(YamlMap scope, SpendScopeType type, string path, string key)
    {
        if (Find(scope, key) is not { } node)
        {
            Required(scope, path);
            return null;
        }

        // A number is an id as well as a word.
        if (node is not YamlScalar { Type: ScalarType.Text or ScalarType.Number, Text: { Length: > 0 } id })
        {
            Complain(node.Position, path, "must be text");
            return null;
        }

        if (id.Length > MaxIdCharacters || id.Contains('\0', StringComparison.Ordinal))
        {
            Complain(node.Position, path, $"must have at most {MaxIdCharacters} characters, no NUL among them");
            return null;
        }

        return new SpendScope(type, id);
    }

    private SpendPeriod ReadPeriod(YamlMap limit, string at)
    {
        if (Find(limit, "period") is not { } node)
        {
            return SpendPeriod.Monthly;
        }

        var name = (node as YamlScalar)?.Text;
        if (SpendPeriods.Parse(name) is { } period)
        {
            return period;
        }

        Complain(
            node.Position,
            at + ".period",
            "must be daily, weekly or monthly" + NearestKey.Suggestion(name ?? "", ["daily", "weekly", "monthly"]));
        return SpendPeriod.Monthly;
    }

    private void ReadCurrency(YamlMap owner, string at)
    {
        if (Find(owner, "currency") is { } node and not YamlScalar { Text: "USD" })
        {
            Complain(node.Position, at + ".currency", "must be USD");
        }
    }

    private LimitPool? ReadPool(YamlNode node, string path, SpendScope? scope, SpendPeriod period, string? memberAmount)
    {
        if (Map(node, path, PoolKeys) is not { } map)
        {
            return null;
        }

        if (scope is { } known && !known.CanHavePool(period))
        {
            Complain(node.Position, path, "is for the monthly limit of a group alone");
            return null;
        }

        var isPaused = false;
        if (Find(map, "paused") is { } paused)
        {
            isPaused = paused is YamlScalar { Type: ScalarType.True };
            if (paused is not YamlScalar { Type: ScalarType.True or ScalarType.False })
            {
                Complain(paused.Position, path + ".paused", "must be true or false");
            }
        }

        ReadCurrency(map, path);
        var amount = Find(map, "amount") is { } given ? Amount(given, path + ".amount") : null;
        if (!isPaused && (amount is null || memberAmount is null))
        {
            Complain(
                node.Position,
                path,
                amount is null
                    ? "needs an amount, unless it is paused"
                    : "needs an amount of the limit itself beside it, unless it is paused; it may be the same");
        }

        return amount is null ? null : new LimitPool(amount, isPaused);
    }

    /// <summary>Null for no limit.</summary>
    private string? Amount(YamlNode node, string path)
    {
        switch (node)
        {
            case YamlScalar { Type: ScalarType.Null }:
                return null;
            case YamlScalar { Type: ScalarType.Text or ScalarType.Number, Text: var text }
                when text.Length is > 0 and <= MaxAmountDigits && text.All(char.IsAsciiDigit):
                return text.TrimStart('0') is { Length: > 0 } digits ? digits : "0";
            default:
                Complain(
                    node.Position,
                    path,
                    "must be whole cents, such as \"20000\" for 200 dollars, or null for no limit");
                return null;
        }
    }

    private string? Required(YamlNode owner, string path)
    {
        Complain(owner.Position, path, "is required");
        return null;
    }

    private YamlMap? Map(YamlNode node, string path, string[] keys)
    {
        if (node is not YamlMap map)
        {
            Complain(node.Position, path, path.Length == 0 ? "expected 'limits:' and a list" : "must be a mapping");
            return null;
        }

        foreach (var entry in map.Entries.Where(entry => !keys.Contains(entry.Key, StringComparer.Ordinal)))
        {
            Complain(
                entry.KeyPosition,
                path.Length == 0 ? entry.Key : $"{path}.{entry.Key}",
                "unknown key" + NearestKey.Suggestion(entry.Key, keys));
        }

        return map;
    }

    private static YamlNode? Find(YamlMap map, string key) =>
        map.Entries.FirstOrDefault(entry => string.Equals(entry.Key, key, StringComparison.Ordinal))?.Value;

    private void Complain(ConfigPosition position, string path, string text) =>
        _problems.Add(new ConfigProblem(position, path, text));
}
