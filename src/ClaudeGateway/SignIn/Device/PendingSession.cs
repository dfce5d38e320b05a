using System.Text.Json;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// An approved sign-in that waits in the store for its device, sealed. The bearer is minted when the device fetches it,
/// so that during a secret rotation the replica that answers also signs.
/// </summary>
/// <param name="IdpSub">The IdP's own <c>sub</c>; null in a session of before it was kept.</param>
internal sealed record PendingSession(Identity Identity, string SessionId, string? RefreshToken, string? IdpSub = null)
{
    /// <param name="deviceCodeHash">The grant it belongs to; in another row of the store the box does not open.</param>
    public byte[] Seal(SealedBox box, byte[] deviceCodeHash) =>
        box.Seal(JsonSerializer.SerializeToUtf8Bytes(this, SealedJson.Default.PendingSession), Purpose(deviceCodeHash));

    /// <summary>Null when it was sealed with secrets that are gone, or for another grant.</summary>
    public static PendingSession? Open(SealedBox box, byte[] data, byte[] deviceCodeHash) =>
        box.Open(data, Purpose(deviceCodeHash)) is { } json
            ? JsonSerializer.Deserialize(json, SealedJson.Default.PendingSession)
            : null;

    private static byte[] Purpose(byte[] deviceCodeHash) => [.. "pending session "u8, .. deviceCodeHash];
}
