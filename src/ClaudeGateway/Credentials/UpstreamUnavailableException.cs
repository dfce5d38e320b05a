namespace ClaudeGateway.Credentials;

/// <summary>Who is to blame that an upstream gave no answer, and so whether it has been asked.</summary>
internal enum UpstreamFault
{
    /// <summary>
    /// Whoever gives the credential (STS, a token endpoint, a file): nothing has been sent to the upstream.
    /// </summary>
    NoCredential,

    /// <summary>
    /// The same, and it was the metadata service of an EC2 instance, which does not answer containers behind too few
    /// hops.
    /// </summary>
    SilentInstance,

    /// <summary>The upstream itself: it has been asked, and what it answered is of no use.</summary>
    UnusableAnswer,
}

/// <summary>
/// An upstream could not be asked, or gave no usable answer; the request goes to the next one. The message is for the
/// log.
/// </summary>
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

    public UpstreamFault Fault { get; init; }
}
