using System.Text.Json;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Admin;

/// <summary>Which caps hold for whom, and what was spent of them (spec/spend.md, GET /effective).</summary>
internal sealed class EffectiveEndpoint(SpendFeature spend)
{
    private readonly SpendAccounts _accounts = spend.Accounts;
    private readonly NamedUsers _users = new(spend.Accounts);

    public async Task HandleAsync(AdminRequest request)
    {
        var (query, problem) = EffectiveQuery.Read(request.Http.Query);
        if (query is null)
        {
            await request.InvalidAsync(problem!);
            return;
        }

        // Also brings the caps up to date.
        await _accounts.Sync.FlushAsync();
        var (rows, next) = query.Subs is { } named
            ? (await FindAsync(await _users.FindAllAsync(named)), null)
            : await PageAsync(query);
        await request.OkAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var principal in rows)
            {
                Write(json, principal, query.Periods);
            }

            json.WriteEndArray();
            json.WriteString("next_page", next);
            json.WriteEndObject();
        });
    }

    private async Task<IReadOnlyList<SpendPrincipal>> FindAsync(IReadOnlyList<string> subs)
    {
        List<SpendCounter> counters = [.. subs.Select(sub => _accounts.Ledger.Counter(CounterKind.User, sub))];
        await _accounts.Sync.AskAsync(counters);
        var known = await _accounts.Principals.FindAsync(subs);
        var today = _accounts.Ledger.Today;
        return [.. counters.Select(counter => known.TryGetValue(counter.Id, out var principal)
            ? principal with { Totals = counter.Totals(today) }
            : SpendPrincipal.Unknown(counter.Id, counter.Totals(today)))];
    }

    private async Task<(IReadOnlyList<SpendPrincipal> Rows, string? Next)> PageAsync(EffectiveQuery query)
    {
        var period = query.Periods[0];
        var all = (await _accounts.Principals.ListAsync(_accounts.Ledger.Today))
            .Where(principal => Matches(principal, query.Search));
        var sorted = query.BySpend
            ? all.OrderByDescending(principal => principal.Totals[period]).ThenBy(Sub, StringComparer.Ordinal)
            : all.OrderBy(Sub, StringComparer.Ordinal);
        List<SpendPrincipal> rest = [
            .. sorted.Where(principal => query.Cursor is not { } cursor || IsBehind(principal, cursor, period))];
        List<SpendPrincipal> page = [.. rest.Take(query.Limit)];
        var next = rest.Count > page.Count
            ? EffectiveQuery.Token(
                new EffectiveCursor(page[^1].Sub, query.BySpend ? page[^1].Totals[period].NanoCents : null))
            : null;
        return (page, next);
    }

    private static string Sub(SpendPrincipal principal) => principal.Sub;

    private static bool IsBehind(SpendPrincipal principal, EffectiveCursor cursor, SpendPeriod period)
    {
        if (cursor.NanoCents is { } nanoCents && principal.Totals[period].NanoCents != nanoCents)
        {
            return principal.Totals[period].NanoCents < nanoCents;
        }

        return string.CompareOrdinal(principal.Sub, cursor.Sub) > 0;
    }

    private static bool Matches(SpendPrincipal principal, string? search) =>
        string.IsNullOrEmpty(search)
        || principal.Sub.Contains(search, StringComparison.OrdinalIgnoreCase)
        || principal.Email?.Contains(search, StringComparison.OrdinalIgnoreCase) == true
        || principal.Name?.Contains(search, StringComparison.OrdinalIgnoreCase) == true;

    private void Write(Utf8JsonWriter json, SpendPrincipal principal, IReadOnlyList<SpendPeriod> periods)
    {
        var limits = _accounts.Book.Resolve(principal.Sub, principal.Groups, spend.GroupLimitMode);
        foreach (var period in periods)
        {
            var limit = limits[period];
            json.WriteStartObject();
            SpendLimitJson.WriteScope(json, new SpendScope(SpendScopeType.User, principal.Sub));
            json.WriteStartArray("groups");
            foreach (var group in principal.Groups)
            {
                json.WriteStringValue(group);
            }

            json.WriteEndArray();
            WriteActor(json, principal);
            SpendLimitJson.WriteCents(json, "amount", limit?.AmountCents);
            json.WriteString("currency", "USD");
            json.WriteString("period", period.Name());
            WriteSource(json, limit);
            json.WriteString("spend_limit_id", limit?.Id);
            json.WriteString("period_to_date_spend", principal.Totals[period].ToString());
            json.WriteEndObject();
        }
    }

    private static void WriteActor(Utf8JsonWriter json, SpendPrincipal principal)
    {
        json.WriteStartObject("actor");
        json.WriteString("type", "user_actor");
        json.WriteString("user_id", principal.Sub);
        json.WriteString("name", principal.Name);
        json.WriteString("email_address", principal.Email);
        json.WriteBoolean("deleted", false);
        json.WriteEndObject();
    }

    private static void WriteSource(Utf8JsonWriter json, SpendLimit? limit)
    {
        if (limit is null)
        {
            json.WriteNull("source");
            return;
        }

        json.WriteStartObject("source");
        json.WriteString("type", limit.Scope.TypeName);
        SpendLimitJson.WriteScopeId(json, limit.Scope);
        json.WriteEndObject();
    }
}
