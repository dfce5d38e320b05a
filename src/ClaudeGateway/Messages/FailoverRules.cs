namespace ClaudeGateway.Messages;

/// <summary>What an upstream's status means for the request.</summary>
internal enum FailoverVerdict
{
    /// <summary>The client gets this answer.</summary>
    Final,

    /// <summary>The next upstream is tried.</summary>
    Retryable,
}

/// <summary>
/// Which answers make the gateway try the next upstream, and which failure the client sees when all have failed
/// (spec/inference.md, Routing and failover).
/// </summary>
internal static class FailoverRules
{
    public static FailoverVerdict Judge(int status) => status switch
    {
        401 or 403 or 404 or 429 => FailoverVerdict.Retryable,
        // Also what is no HTTP status of an answer: informational ones and those beyond the registry.
        >= 500 or < 200 => FailoverVerdict.Retryable,
        _ => FailoverVerdict.Final,
    };

    /// <summary>
    /// How much a failed answer tells the client: 429 (wait), then 401 and 403 (the operator's credential), then 404,
    /// then 501. 0 is never shown. Of equals the later one is.
    /// </summary>
    public static int Worth(int status) => status switch
    {
        429 => 4,
        401 or 403 => 3,
        404 => 2,
        501 => 1,
        _ => 0,
    };
}
