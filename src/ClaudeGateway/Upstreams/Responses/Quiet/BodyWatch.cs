namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// How long an upstream may be silent after its headers (<c>upstreams[].idle_timeout_ms</c>), and the clock that says
/// so.
/// </summary>
internal sealed record BodyWatch(TimeSpan IdleTimeout, TimeProvider Clock)
{
    /// <summary>After so much silence the gateway sends an event of its own.</summary>
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(15);

    public string Silence { get; } =
        $"no byte for {IdleTimeout.TotalSeconds:0.###} s after the headers (upstreams[].idle_timeout_ms)";

    /// <summary>As a number of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long IdleTicks { get; } = Ticks(IdleTimeout, Clock);

    /// <summary>As a number of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long PingTicks { get; } = Ticks(PingAfter, Clock);

    private static long Ticks(TimeSpan time, TimeProvider clock) =>
        (long)(time.TotalSeconds * clock.TimestampFrequency);
}
