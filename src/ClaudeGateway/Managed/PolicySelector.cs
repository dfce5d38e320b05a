using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Managed;

/// <summary>The policies that make up what one developer is served.</summary>
/// <param name="Index">The first policy that matches, by its place in the file.</param>
/// <param name="Layers">The documents to fold, from the most general to the first match; the last is
/// <paramref name="Index"/>.</param>
/// <param name="ReportedIndexes">All of them ascending, for the audit; null unless <c>layered</c> joined several
/// matches.</param>
internal sealed record PolicySelection(int Index, IReadOnlyList<int> Layers, IReadOnlyList<int>? ReportedIndexes);

/// <summary>
/// Which policies apply to a developer (spec/policy.md, Matching): the first that matches, over the first catch-all as
/// its base; with <c>policy_mode: layered</c> every one that matches.
/// </summary>
internal sealed class PolicySelector
{
    private readonly IReadOnlyList<PolicyConfig> _policies;
    private readonly bool _isLayered;
    private readonly int _catchAll;
    private readonly Dictionary<string, List<int>> _byGroup = new(StringComparer.Ordinal);

    public PolicySelector(IReadOnlyList<PolicyConfig> policies, PolicyMode mode)
    {
        _policies = policies;
        _isLayered = mode == PolicyMode.Layered;
        _catchAll = policies.TakeWhile(p => !p.Match.IsCatchAll).Count();
        for (var i = 0; i < Reachable; i++)
        {
            foreach (var group in policies[i].Match.Groups ?? [])
            {
                _byGroup.TryAdd(group, []);
                _byGroup[group].Add(i);
            }
        }
    }

    /// <summary>Policies from this index on can never apply: they follow a catch-all.</summary>
    public int Reachable => Math.Min(_catchAll + 1, _policies.Count);

    /// <summary>The first catch-all, the base of the others; null without one.</summary>
    public int? Base => _catchAll < _policies.Count ? _catchAll : null;

    /// <summary>Null when no policy matches.</summary>
    public PolicySelection? Select(Principal principal)
    {
        var matches = Matches(principal);
        var first = Array.IndexOf(matches, true);
        if (first < 0)
        {
            return null;
        }

        if (!_isLayered)
        {
            return Of(first);
        }

        List<int> all = [.. Enumerable.Range(0, Reachable).Where(i => matches[i])];
        var joined = all.Count(i => i != Base) > 1;
        return new PolicySelection(first, [.. all.AsEnumerable().Reverse()], joined ? all : null);
    }

    /// <summary>What a developer gets whom this policy and no other but the base matches.</summary>
    public PolicySelection Of(int index) =>
        new(index, Base is { } below && below != index ? [below, index] : [index], null);

    public bool IsMatch(int index, Principal principal) => Matches(principal)[index];

    private bool[] Matches(Principal principal)
    {
        var inGroup = new bool[Reachable];
        foreach (var group in principal.Groups)
        {
            // One pass over the token's groups: a token may carry thousands, a file dozens of policies.
            foreach (var index in _byGroup.GetValueOrDefault(group) ?? [])
            {
                inGroup[index] = true;
            }
        }

        for (var i = 0; i < inGroup.Length; i++)
        {
            var match = _policies[i].Match;
            inGroup[i] = (match.Groups is null || inGroup[i])
                && (match.EmailDomain is not { } domain || EmailDomain.Is(principal.Email, domain));
        }

        return inGroup;
    }
}
