namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// Reads what an answer is billed for from its bytes while they pass by, in any chunking, without keeping or delaying
/// them (spec/spend.md, Usage reading). For answers of status 200 to /v1/messages only; nothing else is billed.
/// </summary>
internal abstract class UsageReader
{
    /// <summary>About four characters make a token: what is billed when the upstream did not say.</summary>
    protected const int CharactersPerToken = 4;

    private TokenUsage? _finished;
    private long _assumedInput;

    /// <summary>Whether a figure of the upstream was negative or absurdly large.</summary>
    public bool IsClamped { get; protected set; }

    /// <summary>The reader for an answer of this content type.</summary>
    public static UsageReader For(string? contentType) =>
        contentType is not null && contentType.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase)
        ? new StreamUsageReader()
        : new WholeUsageReader();

    public abstract void Read(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// The client has left before the upstream said what it has read: so much is billed as input unless a figure has
    /// come, or an error.
    /// </summary>
    public void AssumeInput(long tokens) => _assumedInput = tokens;

    /// <summary>What is billed for everything read; nothing may be read after the first call.</summary>
    public TokenUsage Finish() => _finished ??= WithAssumedInput(Complete());

    /// <summary>
    /// Whether the upstream itself said what it has read, or that it refuses: known once <see cref="Complete"/> has
    /// returned.
    /// </summary>
    protected bool HasSpoken { get; set; }

    /// <summary>Called once, after the last byte or when the answer was cut.</summary>
    protected abstract TokenUsage Complete();

    /// <summary>About how many tokens a text is.</summary>
    public static long TokensOf(long characters) => (characters + CharactersPerToken - 1) / CharactersPerToken;

    private TokenUsage WithAssumedInput(TokenUsage usage) =>
        HasSpoken ? usage : usage with { Input = Math.Max(usage.Input, _assumedInput) };
}
