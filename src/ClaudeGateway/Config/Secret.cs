namespace ClaudeGateway.Config;

/// <summary>
/// A value that must never be printed: a key, password or token from the configuration. Only <see cref="Reveal"/> gives
/// it out.
/// </summary>
internal sealed class Secret(string value)
{
    public static readonly Secret Empty = new("");

    public int Length => value.Length;

    /// <summary>The secret itself; call it where the value is used, never to build a message.</summary>
    public string Reveal() => value;

    public override string ToString() => "***";
}
