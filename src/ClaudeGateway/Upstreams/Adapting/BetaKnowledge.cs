namespace ClaudeGateway.Upstreams.Adapting;

/// <summary>
/// Which betas one model on one upstream takes, learnt from a cloud that refuses a request for "invalid beta flag"
/// and does not say which. Whoever is served proves all his betas accepted. A refusal throws suspicion on those of the
/// request's betas that nothing has proved; where that is a single one, it is the refused one. While a request has
/// suspects it is sent with one of its unproved betas alone, so that each answer tells of one: a beta is left out of
/// at most as many requests as there were suspects. All of it is forgotten after <see cref="Keep"/>.
/// </summary>
internal sealed class BetaKnowledge(TimeProvider clock)
{
    /// <summary>How long what was learnt counts.</summary>
    public static readonly TimeSpan Keep = TimeSpan.FromHours(6);

    /// <summary>How many betas are remembered: their names come from clients.</summary>
    public const int MaxRemembered = 64;

    /// <summary>How many can be under suspicion at one time.</summary>
    public const int MaxSuspects = 16;

    private const int MaxNameLength = 128;

    /// <summary>
    /// While one request tries a suspect others try another one; if its answer takes longer, another tries it too.
    /// </summary>
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(5);

    /// <summary>Protects the making of a new table from the one in force.</summary>
    private readonly Lock _learning = new();

    /// <summary>Never changed once it stands here, so that a request reads it without a lock.</summary>
    private volatile Dictionary<string, Fact> _facts = new(StringComparer.Ordinal);

    /// <summary>In the order in which they are given up for want of room.</summary>
    private enum Standing
    {
        Refused,
        Suspected,
        Accepted,
    }

    /// <summary>How many betas are remembered.</summary>
    public int Count => _facts.Count;

    /// <summary>Which of a request's betas are not to be sent now; empty as long as all may be.</summary>
    public string[] Withhold(string[] betas)
    {
        var facts = _facts;
        if (facts.Count == 0)
        {
            return [];
        }

        var now = Now;
        List<string>? refused = null;
        foreach (var beta in betas)
        {
            switch (StandingOf(facts, beta, now))
            {
                case Standing.Suspected:
                    return Narrow(betas, now);
                case Standing.Refused:
                    (refused ??= []).Add(beta);
                    break;
                default:
                    break;
            }
        }

        return refused is null ? [] : [.. refused];
    }

    /// <summary>The upstream served a request with these betas: it takes every one.</summary>
    public void Accept(string[] sent)
    {
        var (facts, now) = (_facts, Now);
        var isNews = false;
        foreach (var beta in sent)
        {
            isNews |= !IsFreshlyAccepted(facts, beta, now);
        }

        if (!isNews)
        {
            return;
        }

        lock (_learning)
        {
            var learnt = Copy_NeedsLock(now);
            foreach (var beta in sent)
            {
                Remember(learnt, beta, new Fact(Standing.Accepted, now + Keep.Ticks, 0));
            }

            _facts = learnt;
        }
    }

    /// <summary>The upstream refused a request for its betas without naming one.</summary>
    /// <returns>What the request is to be sent again without, and the beta that is now known to be refused, if it was
    /// not before.</returns>
    public (string[] LeftOut, string? Learnt) Refuse(string[] sent)
    {
        if (sent.Length == 0)
        {
            return ([], null);
        }

        lock (_learning)
        {
            var now = Now;
            var learnt = Copy_NeedsLock(now);
            string[] doubted = [.. sent.Where(beta => StandingOf(learnt, beta, now) is not Standing.Accepted)
                .Distinct(StringComparer.Ordinal)];
            if (doubted.Length == 0)
            {
                // Each was accepted once, so the upstream has changed its mind.
                doubted = [.. sent.Distinct(StringComparer.Ordinal)];
            }

            var until = now + Keep.Ticks;
            string? refused = null;
            if (doubted.Length == 1)
            {
                refused = StandingOf(learnt, doubted[0], now) is Standing.Refused ? null : doubted[0];
                Remember(learnt, doubted[0], new Fact(Standing.Refused, until, 0));
            }
            else if (!Array.Exists(doubted, beta => StandingOf(learnt, beta, now) is Standing.Refused))
            {
                // Otherwise one that has been found out meanwhile explains the refusal, and it says nothing of others.
                Suspect(learnt, doubted, until);
            }

            _facts = learnt;
            return (doubted, refused);
        }
    }

    /// <summary>
    /// The second attempt was refused for its betas as well: what was concluded from the first refusal may be wrong.
    /// </summary>
    /// <param name="leftOut">What the second attempt went without.</param>
    /// <param name="sent">What it still had.</param>
    public void RefuseAgain(string[] leftOut, string[] sent)
    {
        lock (_learning)
        {
            var now = Now;
            var learnt = Copy_NeedsLock(now);
            Suspect(learnt, leftOut, now + Keep.Ticks);
            _facts = learnt;
        }

        Refuse(sent);
    }

    private long Now => clock.GetUtcNow().UtcTicks;

    private static Standing? StandingOf(Dictionary<string, Fact> facts, string beta, long now) =>
        facts.TryGetValue(beta, out var fact) && now < fact.Until ? fact.Standing : null;

    /// <summary>With more than half of its time left, so that a steady stream of answers writes twice a day.</summary>
    private static bool IsFreshlyAccepted(Dictionary<string, Fact> facts, string beta, long now) =>
        facts.TryGetValue(beta, out var fact) && fact.Standing == Standing.Accepted
        && now + (Keep.Ticks / 2) < fact.Until;

    /// <summary>All that is not proved is held back but one suspect, which nobody else is trying.</summary>
    private string[] Narrow(string[] betas, long now)
    {
        lock (_learning)
        {
            var facts = _facts;
            var tried = Array.Find(
                betas,
                beta => facts.TryGetValue(beta, out var fact) && fact.Standing == Standing.Suspected
                    && now < fact.Until && fact.TriedUntil <= now);
            if (tried is not null)
            {
                var learnt = Copy_NeedsLock(now);
                learnt[tried] = learnt[tried] with { TriedUntil = now + ProbeTime.Ticks };
                _facts = learnt;
            }

            return Array.FindAll(
                betas,
                beta => !string.Equals(beta, tried, StringComparison.Ordinal)
                    && StandingOf(facts, beta, now) is not Standing.Accepted);
        }
    }

    private static void Suspect(Dictionary<string, Fact> facts, string[] betas, long until)
    {
        var free = MaxSuspects - facts.Count(entry => entry.Value.Standing == Standing.Suspected);
        foreach (var beta in betas)
        {
            var isSuspected = facts.TryGetValue(beta, out var fact) && fact.Standing == Standing.Suspected;
            if (isSuspected || free-- > 0)
            {
                Remember(facts, beta, new Fact(Standing.Suspected, until, 0));
            }
        }
    }

    private static void Remember(Dictionary<string, Fact> facts, string beta, Fact fact)
    {
        if (beta.Length > MaxNameLength)
        {
            return;
        }

        if (facts.Count >= MaxRemembered && !facts.ContainsKey(beta))
        {
            facts.Remove(facts.MinBy(entry => (entry.Value.Standing, entry.Value.Until)).Key);
        }

        facts[beta] = fact;
    }

    private Dictionary<string, Fact> Copy_NeedsLock(long now) =>
        new(_facts.Where(entry => now < entry.Value.Until), StringComparer.Ordinal);

    /// <param name="Until">Ticks of UTC at which it is forgotten.</param>
    /// <param name="TriedUntil">Ticks of UTC until which a request is trying the suspect.</param>
    private sealed record Fact(Standing Standing, long Until, long TriedUntil);
}
