namespace ClaudeGateway.Upstreams.Adapting;

/// <summary>What was learnt of one model on one upstream from what it refused.</summary>
internal sealed class ModelKnowledge(TimeProvider clock)
{
    /// <summary>
    /// Ticks of UTC until which each field is known to be refused, in the order of <see cref="OptionalFields"/>. Each
    /// is one word that is read and written whole; of two requests that learn the same the later one wins.
    /// </summary>
    private readonly long[] _refusedUntil = new long[3];

    public BetaKnowledge Betas { get; } = new(clock);

    /// <summary>The fields it refused not long ago.</summary>
    public OptionalFields RefusedFields()
    {
        var fields = OptionalFields.None;
        for (var i = 0; i < _refusedUntil.Length; i++)
        {
            var until = Volatile.Read(ref _refusedUntil[i]);
            fields |= until != 0 && clock.GetUtcNow().UtcTicks < until ? (OptionalFields)(1 << i) : OptionalFields.None;
        }

        return fields;
    }

    /// <summary>It refused these and served the request without them.</summary>
    public void Refuse(OptionalFields fields)
    {
        for (var i = 0; i < _refusedUntil.Length; i++)
        {
            if ((fields & (OptionalFields)(1 << i)) != 0)
            {
                Volatile.Write(ref _refusedUntil[i], (clock.GetUtcNow() + BetaKnowledge.Keep).UtcTicks);
            }
        }
    }
}
