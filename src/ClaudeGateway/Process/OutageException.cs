namespace ClaudeGateway.Process;

/// <summary>
/// Something the process depends on is away. Whoever watches over it says so, once; who only meets it need not.
/// </summary>
internal abstract class OutageException : Exception
{
    protected OutageException()
    {
    }

    protected OutageException(string message)
        : base(message)
    {
    }

    protected OutageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
