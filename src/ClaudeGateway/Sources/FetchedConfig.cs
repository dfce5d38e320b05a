using System.Security.Cryptography;
using ClaudeGateway.Config;
using ClaudeGateway.Process;

namespace ClaudeGateway.Sources;

/// <summary>One version of a configuration as it came, whole.</summary>
/// <param name="Name">Where from, as messages name it.</param>
/// <param name="ETag">As the server gave it; null from one that gives none.</param>
internal sealed record FetchedConfig(string Name, byte[] Bytes, string? ETag)
{
    /// <summary>Lower-case hexadecimal.</summary>
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Bytes));

    /// <summary>How the log names this version.</summary>
    public string Version => ETag is null ? $"sha256 {Sha256}" : $"ETag {ETag}";

    /// <summary>
    /// Whether <paramref name="other"/> says nothing new. A server may count a version anew without changing a byte.
    /// </summary>
    public bool HasTextOf(FetchedConfig other) => string.Equals(Sha256, other.Sha256, StringComparison.Ordinal);

    /// <summary>Reads it as a file of the same bytes.</summary>
    /// <param name="inForce">What a running gateway began with; null for one that starts.</param>
    public ConfigReadResult Read(ProcessEnvironment environment, ConfigReadResult? inForce = null)
    {
        var result = GatewayConfigReader.Read(Name, Bytes, environment, inForce);
        return result.Config is { } config ? result with { Config = config with { ETag = ETag } } : result;
    }
}
