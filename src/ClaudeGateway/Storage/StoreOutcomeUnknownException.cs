namespace ClaudeGateway.Storage;

/// <summary>
/// The store went away between a COMMIT and its confirmation: the change holds entirely or not at all, and this process
/// cannot know which until it looks.
/// </summary>
internal sealed class StoreOutcomeUnknownException : StoreUnavailableException
{
    public StoreOutcomeUnknownException()
    {
    }

    public StoreOutcomeUnknownException(string message)
        : base(message)
    {
    }

    public StoreOutcomeUnknownException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
