using System.Text.Json;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn;

/// <summary>
/// An approved sign-in that waits in the store for its device, sealed. The bearer is minted when the device fetches it,
/// so that during a secret rotation the replica that answers also signs.
/// </summary>
internal sealed record PendingSession(Identity Identity, string SessionId, string? RefreshToken)
{
    private static ReadOnlySpan<byte> Purpose => "pending session"u8;

    public byte[] Seal(SealedBox box) => box.Seal(JsonSerializer.SerializeToUtf8Bytes(this), Purpose);

    /// <summary>Null when it was sealed with secrets that are gone.</summary>
    public static PendingSession? Open(SealedBox box, byte[] data) =>
        box.Open(data, Purpose) is { } json ? JsonSerializer.Deserialize<PendingSession>(json) : null;
}
