using ClaudeGateway.Process;

namespace ClaudeGateway.Storage;

/// <summary>
/// The database did not answer in time, refused the connection or broke it: nothing the client did, and worth a retry.
/// </summary>
internal class StoreUnavailableException : OutageException
{
    public StoreUnavailableException()
    {
    }

    public StoreUnavailableException(string message)
        : base(message)
    {
    }

    public StoreUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
