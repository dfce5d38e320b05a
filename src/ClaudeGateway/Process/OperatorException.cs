namespace ClaudeGateway.Process;

/// <summary>
/// Start-up cannot go on; the message is the one line an operator sees: it names the cause and the fix and holds no
/// secret.
/// </summary>
internal sealed class OperatorException : Exception
{
    public OperatorException()
    {
    }

    public OperatorException(string message)
        : base(message)
    {
    }

    public OperatorException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
