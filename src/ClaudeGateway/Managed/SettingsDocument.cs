using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Json;

namespace ClaudeGateway.Managed;

/// <summary>
/// One answer of GET /managed/settings, ready to send: <c>{"uuid","checksum","settings"}</c>, the first two being the
/// checksum.
/// </summary>
/// <param name="Checksum"><c>sha256:</c> and the hexadecimal hash of the canonical settings.</param>
/// <param name="ETag">The checksum in quotes (RFC 9110 section 8.8.3).</param>
internal sealed record SettingsDocument(JsonObject Settings, string Checksum, string ETag, ReadOnlyMemory<byte> Body)
{
    /// <summary>The checksum as machines are counted by it.</summary>
    public string Version { get; } = SettingsVersion.Of(Checksum)!;

    public bool IsEmpty => Settings.Count == 0;

    public static SettingsDocument Of(JsonObject settings)
    {
        var canonical = CanonicalJson.Write(settings);
        var checksum = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        var body = Encoding.UTF8.GetBytes(
            $$"""{"uuid":"{{checksum}}","checksum":"{{checksum}}","settings":{{canonical}}}""");
        return new SettingsDocument(settings, checksum, $"\"{checksum}\"", body);
    }
}
