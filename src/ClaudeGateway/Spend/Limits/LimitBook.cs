using System.Collections.Concurrent;
using ClaudeGateway.Config;

namespace ClaudeGateway.Spend.Limits;

/// <summary>The caps that hold for one developer, one for each period; null where there is none at all.</summary>
internal readonly record struct EffectiveLimits(SpendLimit? Daily, SpendLimit? Weekly, SpendLimit? Monthly)
{
    public static readonly EffectiveLimits None;

    public SpendLimit? this[SpendPeriod period] => period switch
    {
        SpendPeriod.Daily => Daily,
        SpendPeriod.Weekly => Weekly,
        _ => Monthly,
    };

    /// <summary>Whether any finite cap holds.</summary>
    public bool HasCap =>
        Daily?.AmountCents is not null || Weekly?.AmountCents is not null || Monthly?.AmountCents is not null;
}

/// <summary>
/// Every cap, in memory, as of <see cref="Version"/> of the store (spec/spend.md, GET /effective). A developer's own
/// cap hides those of his groups, a group's hides the organization's; each also when it says "unlimited". Safe for
/// concurrent use: changes replace one holder's caps at a time.
/// </summary>
internal sealed class LimitBook
{
    private readonly ConcurrentDictionary<string, EffectiveLimits> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, EffectiveLimits> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SpendLimit> _byId = new(StringComparer.Ordinal);
    /// <summary>
    /// Held by whoever changes limits, so that the maps and the version move together; readers take none.
    /// </summary>
    private readonly Lock _change = new();
    private volatile StrongBox _organization = new(EffectiveLimits.None);
    private volatile int _activePools;
    private volatile int _groupCount;
    private long _version;

    /// <summary>Number of the last change in the store that is in here.</summary>
    public long Version => Interlocked.Read(ref _version);

    public int Count => _byId.Count;

    /// <summary>Whether any group has a budget to share that is not paused.</summary>
    public bool HasActivePools => _activePools > 0;

    /// <summary>Whether the group has a cap or a shared budget, a paused one included.</summary>
    public bool NamesGroup(string group) => _groups.ContainsKey(group);

    /// <param name="mode">Which cap counts of several groups.</param>
    public EffectiveLimits Resolve(string sub, IReadOnlyList<string> groups, GroupLimitMode mode)
    {
        // Not IsEmpty: it takes every lock of the dictionary.
        var own = _users.GetValueOrDefault(sub);
        var organization = _organization.Value;
        var ofGroups = _groupCount == 0 ? EffectiveLimits.None : ResolveGroups(groups, mode);
        return new EffectiveLimits(
            own.Daily ?? ofGroups.Daily ?? organization.Daily,
            own.Weekly ?? ofGroups.Weekly ?? organization.Weekly,
            own.Monthly ?? ofGroups.Monthly ?? organization.Monthly);
    }

    /// <summary>
    /// The shared budgets of these groups that are not paused, in the order they pay: the largest first, then by name.
    /// </summary>
    public IReadOnlyList<SpendLimit> ActivePools(IReadOnlyList<string> groups)
    {
        if (!HasActivePools)
        {
            return [];
        }

        List<SpendLimit>? pools = null;
        foreach (var group in groups)
        {
            if (_groups.TryGetValue(group, out var caps)
                && caps.Monthly is { Pool: { IsPaused: false, AmountCents: not null } } pool
                && pools?.Contains(pool) != true)
            {
                (pools ??= []).Add(pool);
            }
        }

        pools?.Sort(ComparePools);
        return pools ?? (IReadOnlyList<SpendLimit>)[];
    }

    /// <summary>
    /// Takes over the whole content of the store. Ignored when it is older than what has come in since the reading
    /// began; a store that was set back, without any news meanwhile, is believed.
    /// </summary>
    /// <param name="version">Of the content, or an earlier one.</param>
    /// <param name="known"><see cref="Version"/> when the reading began.</param>
    public void Replace(IReadOnlyCollection<SpendLimit> limits, long version, long known)
    {
        lock (_change)
        {
            if (version < Version && Version != known)
            {
                return;
            }

            foreach (var id in _byId.Keys.Except(limits.Select(limit => limit.Id)).ToList())
            {
                Remove_NeedsLock(id);
            }

            foreach (var limit in limits)
            {
                Put_NeedsLock(limit);
            }

            Interlocked.Exchange(ref _version, version);
        }
    }

    /// <summary>
    /// Applies the caps that changed since <see cref="Version"/>; a null limit was deleted. Ignored when older than
    /// what is known.
    /// </summary>
    public void Apply(IReadOnlyCollection<(string Id, SpendLimit? Limit)> changes, long version)
    {
        lock (_change)
        {
            if (version <= Version)
            {
                return;
            }

            foreach (var (id, limit) in changes)
            {
                if (limit is null)
                {
                    Remove_NeedsLock(id);
                }
                else
                {
                    Put_NeedsLock(limit);
                }
            }

            Interlocked.Exchange(ref _version, version);
        }
    }

    private EffectiveLimits ResolveGroups(IReadOnlyList<string> groups, GroupLimitMode mode)
    {
        var chosen = EffectiveLimits.None;
        foreach (var group in groups)
        {
            if (_groups.TryGetValue(group, out var caps))
            {
                chosen = new EffectiveLimits(
                    Choose(chosen.Daily, caps.Daily, mode),
                    Choose(chosen.Weekly, caps.Weekly, mode),
                    Choose(chosen.Monthly, caps.Monthly, mode));
            }
        }

        return chosen;
    }

    /// <summary>
    /// The smaller (or, in max mode, larger) of two groups' caps; "unlimited" is the largest; equal caps go by group
    /// name.
    /// </summary>
    private static SpendLimit? Choose(SpendLimit? left, SpendLimit? right, GroupLimitMode mode)
    {
        if (left is null || right is null)
        {
            return left ?? right;
        }

        var order = (left.AmountCents ?? long.MaxValue).CompareTo(right.AmountCents ?? long.MaxValue);
        if (order == 0)
        {
            return string.CompareOrdinal(left.Scope.Id, right.Scope.Id) <= 0 ? left : right;
        }

        return order < 0 == (mode == GroupLimitMode.Min) ? left : right;
    }

    private static int ComparePools(SpendLimit left, SpendLimit right)
    {
        var order = right.Pool!.AmountCents!.Value.CompareTo(left.Pool!.AmountCents!.Value);
        return order != 0 ? order : string.CompareOrdinal(left.Scope.Id, right.Scope.Id);
    }

    private void Put_NeedsLock(SpendLimit limit)
    {
        if (_byId.TryGetValue(limit.Id, out var before))
        {
            CountPool_NeedsLock(before, -1);
        }

        _byId[limit.Id] = limit;
        CountPool_NeedsLock(limit, 1);
        Set_NeedsLock(limit.Scope, limit.Period, limit);
    }

    private void Remove_NeedsLock(string id)
    {
        if (_byId.TryRemove(id, out var limit))
        {
            CountPool_NeedsLock(limit, -1);
            if (Current(limit.Scope, limit.Period)?.Id == id)
            {
                // Otherwise the place has been taken by a newer cap already.
                Set_NeedsLock(limit.Scope, limit.Period, null);
            }
        }
    }

    private SpendLimit? Current(SpendScope scope, SpendPeriod period) => scope.Type switch
    {
        SpendScopeType.User => _users.GetValueOrDefault(scope.Id)[period],
        SpendScopeType.RbacGroup => _groups.GetValueOrDefault(scope.Id)[period],
        _ => _organization.Value[period],
    };

    private void CountPool_NeedsLock(SpendLimit limit, int change) =>
        _activePools += limit.Pool is { IsPaused: false, AmountCents: not null } ? change : 0;

    private void Set_NeedsLock(SpendScope scope, SpendPeriod period, SpendLimit? limit)
    {
        if (scope.Type == SpendScopeType.Organization)
        {
            _organization = new StrongBox(With(_organization.Value, period, limit));
            return;
        }

        var holders = scope.Type == SpendScopeType.User ? _users : _groups;
        var caps = With(holders.GetValueOrDefault(scope.Id), period, limit);
        if (caps == EffectiveLimits.None)
        {
            holders.TryRemove(scope.Id, out _);
        }
        else
        {
            holders[scope.Id] = caps;
        }

        _groupCount = _groups.Count;
    }

    private static EffectiveLimits With(EffectiveLimits caps, SpendPeriod period, SpendLimit? limit) => period switch
    {
        SpendPeriod.Daily => caps with { Daily = limit },
        SpendPeriod.Weekly => caps with { Weekly = limit },
        _ => caps with { Monthly = limit },
    };

    /// <summary>Makes the replacement of three references one atomic step for readers.</summary>
    private sealed class StrongBox(EffectiveLimits value)
    {
        public EffectiveLimits Value { get; } = value;
    }
}
