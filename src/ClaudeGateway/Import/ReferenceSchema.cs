using System.Globalization;
using ClaudeGateway.Process;

namespace ClaudeGateway.Import;

/// <summary>
/// The tables of the reference, as it makes them itself (2.1.332, its migrations 1 to 8). <c>spend</c> and
/// <c>pooled_spend</c> hold running totals, cents as double precision, by developer or group and by the name of a
/// period (<see cref="ReferencePeriod"/>); <c>spend_limits</c> the caps, one for each scope and period;
/// <c>principal_emails</c> how a developer was last seen; <c>admin_audit</c> the trail, caps as JSON. Not copied:
/// <c>kv</c> (sign-ins under way and rate limits, over in ten minutes) and <c>principal_groups</c> (a developer's
/// groups of each day, which nothing here asks for).
/// </summary>
internal static class ReferenceSchema
{
    private const int NewestKnown = 8;

    private static readonly Dictionary<string, string[]> Columns = new(StringComparer.Ordinal)
    {
        ["_migrations"] = ["version", "applied_at"],
        ["spend_limits"] =
        [
            "id", "scope_type", "scope_id", "amount", "period", "currency", "created_at", "updated_at", "created_by",
            "pooled_limit_enabled", "pooled_monthly_credit_limit",
        ],
        ["spend"] = ["principal", "period", "cents", "updated_at"],
        ["pooled_spend"] = ["rbac_group_id", "period", "cents", "updated_at"],
        ["principal_emails"] = ["principal", "email", "name", "groups", "updated_at"],
        ["admin_audit"] = ["id", "at", "actor", "action", "target", "before", "after", "reason"],
    };

    private static readonly string[] NotCopied = ["kv", "principal_groups"];

    /// <summary>Looks whether everything that is read is there, and whether something is that is not known.</summary>
    /// <returns>What is worth knowing and no obstacle.</returns>
    /// <exception cref="OperatorException">It is not the reference's, or newer than what is known here.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(ReferenceReader reader)
    {
        var found = (await reader.AllAsync(
            "SELECT table_name::text, column_name::text, is_nullable = 'NO' FROM information_schema.columns WHERE "
                + "table_schema = current_schema()",
            static row => (Table: row.GetString(0), Column: row.GetString(1), IsRequired: row.GetBoolean(2))))
            .ToLookup(column => column.Table, StringComparer.Ordinal);
        var missing = Columns
            .SelectMany(table => found.Contains(table.Key)
                ? table.Value.Except(found[table.Key].Select(column => column.Column), StringComparer.Ordinal)
                    .Select(column => $"column {table.Key}.{column}")
                : [$"table {table.Key}"])
            .ToList();
        if (missing.Count > 0)
        {
            var other = found.Contains("gw_migration")
                ? "; it has tables of claude-gateway: name the database that Anthropic's gateway used" : "";
            throw new OperatorException(
                "the source is not a database of Anthropic's gateway (2.1.328 or later), or its role cannot read all "
                    + $"of it: missing are {string.Join(", ", missing)}{other}");
        }

        await RefuseUnknownAsync(reader, found);
        return await NotesAsync(reader, found);
    }

    private static async Task RefuseUnknownAsync(
        ReferenceReader reader, ILookup<string, (string Table, string Column, bool IsRequired)> found)
    {
        foreach (var (table, known) in Columns)
        {
            foreach (var (_, column, isRequired) in found[table].Where(column => !known.Contains(column.Column)))
            {
                // A column that is empty everywhere holds nothing that could be lost.
                var isUsed = isRequired || await reader.FirstAsync(
                    $"SELECT EXISTS (SELECT 1 FROM {table} WHERE {Quoted(column)} IS NOT NULL)",
                    static row => row.GetBoolean(0));
                if (isUsed)
                {
                    throw new OperatorException(
                        $"the source is newer than what this version knows: column {table}.{Terse(column)} may change "
                            + "what a row means. Import with a newer claude-gateway");
                }
            }
        }
    }

    private static async Task<IReadOnlyList<string>> NotesAsync(
        ReferenceReader reader, ILookup<string, (string Table, string Column, bool IsRequired)> found)
    {
        var version = await reader.FirstAsync(
            "SELECT coalesce(max(version), 0) FROM _migrations", static row => row.GetInt32(0));
        var others = found.Select(table => table.Key)
            .Where(
                name => !Columns.ContainsKey(name) && !NotCopied.Contains(name)
                && !name.StartsWith("gw_", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(Terse).ToList();
        var notes = new List<string>();
        if (version > NewestKnown)
        {
            notes.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the source's schema is at {version}, later than {NewestKnown}; all that is read of it is as known"));
        }

        if (others.Count > 0)
        {
            notes.Add($"not copied, not known: {string.Join(", ", others)}");
        }

        return notes;
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Terse(string name) => string.Concat(name.Select(c => char.IsControl(c) ? ' ' : c));
}
