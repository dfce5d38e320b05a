using System.Data.Common;
using System.Text.Json;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>A developer as the admin's lists show him.</summary>
internal sealed record SpendPrincipal(
    string Sub, string? Email, string? Name, IReadOnlyList<string> Groups, SpendTotals Totals)
{
    public static SpendPrincipal Unknown(string sub, SpendTotals totals) => new(sub, null, null, [], totals);
}

/// <summary>Reads developers and their spend from the store; rounds write them (<see cref="SpendRound"/>).</summary>
internal sealed class SpendPrincipalStore(Database database)
{
    private const string Columns = "p.key, p.sub, p.email, p.name, p.groups";

    /// <summary>Whether anything was ever spent here; requests that cost nothing do not count.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<bool> AnySpendAsync() =>
        await database.FirstAsync(
            "SELECT 1 FROM gw_spend_counter WHERE amount > 0 LIMIT 1", static row => row.GetInt32(0)) == 1;

    /// <summary>Who these developers are; unknown ones are left out.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<Dictionary<string, SpendPrincipal>> FindAsync(IReadOnlyCollection<string> subs)
    {
        var keys = subs.Select(sub => CounterKey.Of(CounterKind.User, sub).ToBytes()).ToArray();
        var found = new List<SpendPrincipal>();
        if (database.IsPostgres)
        {
            found = await database.AllAsync(
                $"SELECT {Columns} FROM gw_spend_principal AS p WHERE p.key = ANY ($1)", Read, (object)keys);
        }
        else
        {
            foreach (var key in keys)
            {
                found.AddRange(
                    await database.AllAsync(
                        $"SELECT {Columns} FROM gw_spend_principal AS p WHERE p.key = $1", Read, (object)key));
            }
        }

        return found.DistinctBy(principal => principal.Sub, StringComparer.Ordinal)
            .ToDictionary(principal => principal.Sub, StringComparer.Ordinal);
    }

    /// <summary>The subs of those who were last seen with this e-mail address, letter case aside; in their
    /// order.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<List<string>> FindByEmailAsync(string address)
    {
        // Databases differ in what lower() knows beyond ASCII; the length leaves few to compare here.
        var alike = await database.AllAsync(
            $"SELECT {Columns} FROM gw_spend_principal AS p WHERE length(p.email) = length(CAST($1 AS text))",
            Read,
            address);
        return
        [
            .. alike.Where(principal => address.Equals(principal.Email, StringComparison.OrdinalIgnoreCase))
            .Select(principal => principal.Sub).Order(StringComparer.Ordinal)];
    }

    /// <summary>Everybody who was served in the current week or month, if only for nothing.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task<List<SpendPrincipal>> ListAsync(DateOnly today)
    {
        var rows = await database.AllAsync(
            $"""
            SELECT {Columns}, c.period, c.amount FROM gw_spend_counter AS c JOIN gw_spend_principal AS p ON p.key =
              c.key
            WHERE (c.period = 0 AND c.start_day = $1) OR (c.period = 1 AND c.start_day = $2) OR (c.period = 2 AND
              c.start_day = $3)
            """,
            static row =>
                (Principal: Read(row), Period: (SpendPeriod)row.GetInt32(5), Amount: new Money(row.GetInt64(6))),
            SpendPeriod.Daily.Start(today).DayNumber,
            SpendPeriod.Weekly.Start(today).DayNumber,
            SpendPeriod.Monthly.Start(today).DayNumber);
        return
        [
            .. rows.GroupBy(row => row.Principal.Sub, StringComparer.Ordinal)
            .Select(group => group.First().Principal with
        {
            Totals = new SpendTotals(
                today,
                Amount(group, SpendPeriod.Daily),
                Amount(group, SpendPeriod.Weekly),
                Amount(group, SpendPeriod.Monthly)),
        })];

        static Money Amount(
            IEnumerable<(SpendPrincipal Principal, SpendPeriod Period, Money Amount)> rows, SpendPeriod period) =>
            rows.FirstOrDefault(row => row.Period == period).Amount;
    }

    private static SpendPrincipal Read(DbDataReader row) => new(
        row.GetString(1),
        row.IsDBNull(2) ? null : row.GetString(2),
        row.IsDBNull(3) ? null : row.GetString(3),
        JsonSerializer.Deserialize(row.GetString(4), SpendJson.Default.StringArray) ?? [],
        default);
}
