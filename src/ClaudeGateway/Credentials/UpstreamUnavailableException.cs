namespace ClaudeGateway.Credentials;

/// <summary>An upstream could not be asked at all (no credential, no token); the request goes to the next one. The message is for the log.</summary>
internal sealed class UpstreamUnavailableException : Exception
{
    public UpstreamUnavailableException()
    {
    }

    public UpstreamUnavailableException(string message)
        : base(message)
    {
    }

    public UpstreamUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
