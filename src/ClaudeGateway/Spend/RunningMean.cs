namespace ClaudeGateway.Spend;

/// <summary>
/// The mean of figures that are not negative, in which later ones weigh more: each moves it by one part in
/// <paramref name="weight"/>. Safe for concurrent use; of two figures that come at once one may not count.
/// </summary>
internal sealed class RunningMean(int weight)
{
    private long _mean = -1;

    /// <summary>Null before the first figure.</summary>
    public long? Value => Interlocked.Read(ref _mean) is >= 0 and var mean ? mean : null;

    public void Add(long figure)
    {
        var mean = Interlocked.Read(ref _mean);
        Interlocked.Exchange(ref _mean, mean < 0 ? figure : mean + ((figure - mean) / weight));
    }
}
