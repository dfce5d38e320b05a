using System.Text.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Admin;

/// <summary>Lists, reads, sets and deletes caps (spec/spend.md, POST, GET list / one, DELETE).</summary>
internal sealed class SpendLimitEndpoints(SpendAccounts accounts, AuditLog audit)
{
    private const string UnknownLimit = "spend limit not found";

    /// <summary>How long a change waits for the other replicas to act by it; normally a millisecond or two.</summary>
    private static readonly TimeSpan ReplicaTimeout = TimeSpan.FromMilliseconds(300);

    private readonly NamedUsers _users = new(accounts);

    public async Task ListAsync(AdminRequest request)
    {
        var (query, problem) = SpendLimitQuery.Read(request.Http.Query);
        if (query is null)
        {
            await request.InvalidAsync(problem!);
            return;
        }

        var (after, before, limit) = (query.AfterId, query.BeforeId, query.Limit);
        var cursor = (after ?? before) is { } id ? await accounts.Limits.FindAsync(StoredText.Of(id)) : null;
        if (cursor is null && (after ?? before) is not null)
        {
            await request.InvalidAsync($"{(after is not null ? "after_id" : "before_id")}: no spend limit with this "
                + "id");
            return;
        }

        // One more than asked for tells whether there are more.
        var found = await accounts.Limits.ListAsync(
            query.Types,
            after is null ? query.After : cursor!.Position,
            before is null ? null : cursor!.Position,
            limit + 1);
        var page = found.Count <= limit ? found : before is null ? found[..limit] : found[^limit..];
        var pools = await PoolSpendAsync(page);
        await request.OkAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var listed in page)
            {
                Write(json, request, listed, pools);
            }

            json.WriteEndArray();
            json.WriteBoolean("has_more", found.Count > limit);
            json.WriteString("first_id", page.Count == 0 ? null : page[0].Id);
            json.WriteString("last_id", page.Count == 0 ? null : page[^1].Id);
            if (request.IsOfAnthropicClient)
            {
                json.WriteString(
                    "next_page", found.Count > limit && before is null ? SpendLimitQuery.Token(page[^1]) : null);
            }

            json.WriteEndObject();
        });
    }

    public async Task GetAsync(AdminRequest request, string id)
    {
        if (await accounts.Limits.FindAsync(StoredText.Of(id)) is { } limit)
        {
            var pools = await PoolSpendAsync([limit]);
            await request.OkAsync(json => Write(json, request, limit, pools));
        }
        else
        {
            await request.NotFoundAsync(UnknownLimit);
        }
    }

    public async Task UpsertAsync(AdminRequest request, AdminCaller caller)
    {
        var (draft, problem) = await SpendLimitRequest.ReadAsync(request.Http.Body, request.Gateway.Aborted);
        if (draft is null)
        {
            await request.InvalidAsync(problem!);
            return;
        }

        if (draft.Scope is { Type: SpendScopeType.User, Id: var named })
        {
            (var userId, problem) = await _users.FindOneAsync(named);
            if (userId is null)
            {
                await request.InvalidAsync(problem!);
                return;
            }

            draft = draft with { Scope = draft.Scope with { Id = userId } };
        }

        var change = await accounts.Limits.UpsertAsync(draft, caller.Actor);
        if (change.After is not { } limit)
        {
            await request.InvalidAsync(change.Problem!);
            return;
        }

        // Audited before anything else may fail: the change holds.
        audit.AdminLimitUpsert(caller.Actor, change.Before, limit);
        await accounts.PublishAsync(change, ReplicaTimeout);
        var pools = await PoolSpendAsync([limit], mayBeOld: true);
        await request.OkAsync(json => Write(json, request, limit, pools));
    }

    public async Task DeleteAsync(AdminRequest request, AdminCaller caller, string id)
    {
        var change = await accounts.Limits.DeleteAsync(StoredText.Of(id), caller.Actor);
        if (change.Before is not { } limit)
        {
            await request.NotFoundAsync(UnknownLimit);
            return;
        }

        // Audited before anything else may fail: the change holds.
        audit.AdminLimitDelete(caller.Actor, limit);
        await accounts.PublishAsync(change, ReplicaTimeout);
        await request.OkAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "spend_limit_deleted");
            json.WriteString("id", limit.Id);
            json.WriteEndObject();
        });
    }

    /// <summary>What the groups' budgets on a page have paid this month, everything of this replica included.</summary>
    /// <param name="mayBeOld">Whether, while the store is away, what this replica knows is good enough.</param>
    private async Task<Dictionary<string, Money>> PoolSpendAsync(IReadOnlyList<SpendLimit> page, bool mayBeOld = false)
    {
        var pools = page.Where(limit => limit.Pool?.AmountCents is not null)
            .Select(limit => accounts.Ledger.Counter(CounterKind.Pool, limit.Scope.Id)).ToList();
        if (pools.Count > 0)
        {
            try
            {
                await accounts.Sync.AskAsync(pools);
            }
            catch (StoreUnavailableException) when (mayBeOld)
            {
                // The answer is about the change, which holds; the sums beside it are as of the last round.
            }
        }

        var today = accounts.Ledger.Today;
        return pools.ToDictionary(pool => pool.Id, pool => pool.Totals(today).Monthly, StringComparer.Ordinal);
    }

    private static void Write(
        Utf8JsonWriter json, AdminRequest request, SpendLimit limit, Dictionary<string, Money> pools) =>
        SpendLimitJson.Write(
            json, limit, pools.GetValueOrDefault(limit.Scope.Id), saysEnabled: request.IsOfAnthropicClient);
}
