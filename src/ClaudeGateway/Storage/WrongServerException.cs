using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>A server answers, and is not what <c>target_session_attrs</c> asks for.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors",
    Justification = "Without saying which kind the server is it would mean nothing.")]
internal sealed class WrongServerException(string message, bool isReadOnly) : NpgsqlException(message)
{
    public bool IsReadOnly => isReadOnly;
}
