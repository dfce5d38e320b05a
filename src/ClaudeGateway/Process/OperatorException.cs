namespace ClaudeGateway;

/// <summary>Start-up cannot go on; the message is the one line an operator sees: it names the cause and the fix and holds no secret.</summary>
internal sealed class BootException : Exception
{
    public BootException()
    {
    }

    public BootException(string message)
        : base(message)
    {
    }

    public BootException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
