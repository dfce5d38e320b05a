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

    /// <summary>Whether a figure of the upstream was negative or absurdly large.</summary>
    public bool IsClamped { get; protected set; }

    /// <summary>The reader for an answer of this content type.</summary>
    public static UsageReader For(string? contentType) =>
        contentType is not null && contentType.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) ? new StreamUsageReader() : new WholeUsageReader();

    public abstract void Read(ReadOnlySpan<byte> bytes);

    /// <summary>What is billed for everything read; nothing may be read after the first call.</summary>
    public TokenUsage Finish() => _finished ??= Complete();

    /// <summary>Called once, after the last byte or when the answer was cut.</summary>
    protected abstract TokenUsage Complete();

    protected static long TokensOf(long characters) => (characters + CharactersPerToken - 1) / CharactersPerToken;
}
