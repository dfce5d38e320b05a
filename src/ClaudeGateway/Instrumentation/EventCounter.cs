namespace ClaudeGateway.Instrumentation;

/// <summary>
/// What a counter of events is called; each feature declares its own beside the code that counts
/// (<see cref="GatewayMeter.Count"/>).
/// </summary>
/// <param name="Name">As OpenTelemetry spells names: <c>claude_gateway.sign_ins</c>.</param>
/// <param name="Unit">In UCUM, e.g. <c>{sign_in}</c>.</param>
/// <param name="Labels">Their values are words of this program or of the configuration, never of a person.</param>
internal sealed record EventCounter(string Name, string Unit, string Description, params string[] Labels)
{
    public bool Equals(EventCounter? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
