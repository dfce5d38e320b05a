using ClaudeGateway.Process;

namespace ClaudeGateway.Sources;

/// <summary>
/// The configuration could not be fetched. The message says why and what to do, and holds neither the URL's query nor a
/// credential.
/// </summary>
internal sealed class ConfigFetchException : OutageException
{
    public ConfigFetchException()
    {
    }

    public ConfigFetchException(string message)
        : base(message)
    {
    }

    public ConfigFetchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the next try may end better without anybody doing anything.</summary>
    public bool IsPassing { get; init; }

    /// <summary>What is the same while the trouble is the same, however its words differ.</summary>
    public string Kind { get; init; } = "";
}
