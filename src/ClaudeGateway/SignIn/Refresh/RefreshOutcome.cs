using System.Text.Json;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn.Refresh;

/// <summary>What asking the IdP about a refresh token led to: a closed set.</summary>
internal abstract record RefreshOutcome
{
    /// <param name="Email">An extension of the answer that the client shows to its user.</param>
    internal sealed record Renewed(
        string AccessToken, DateTimeOffset ExpiresAt, string RefreshToken, string Sub, string? Email) : RefreshOutcome;

    /// <param name="Reason">For the audit.</param>
    /// <param name="Step">Where it failed, for the audit.</param>
    internal sealed record Failed(string Reason, string Step, OAuthError Error) : RefreshOutcome
    {
        /// <summary>Whether the session is over; else another try may succeed.</summary>
        public bool IsFinal => Error == OAuthError.InvalidGrant;
    }
}

/// <summary>
/// A final outcome as it is kept for those who present the same refresh token, sealed: the store holds no bearer that
/// anybody could read.
/// </summary>
/// <param name="AccessToken">Null for a refusal, and with it what belongs to a bearer.</param>
/// <param name="Reason">Null for a success.</param>
internal sealed record RememberedRefresh(
    string? AccessToken,
    DateTimeOffset ExpiresAt,
    string? RefreshToken,
    string? Sub,
    string? Email,
    string? Reason,
    string? Step)
{
    /// <param name="tokenHash">The refresh token it belongs to; in another row of the store the box does not
    /// open.</param>
    public static byte[] Seal(RefreshOutcome outcome, SealedBox box, byte[] tokenHash)
    {
        var remembered = outcome switch
        {
            RefreshOutcome.Renewed renewed => new RememberedRefresh(
                renewed.AccessToken, renewed.ExpiresAt, renewed.RefreshToken, renewed.Sub, renewed.Email, null, null),
            RefreshOutcome.Failed { IsFinal: true } failed =>
                new RememberedRefresh(null, default, null, null, null, failed.Reason, failed.Step),
            _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no final outcome"),
        };
        return box.Seal(
            JsonSerializer.SerializeToUtf8Bytes(remembered, SealedJson.Default.RememberedRefresh), Purpose(tokenHash));
    }

    /// <summary>Null when it was sealed with secrets that are gone, or for another token.</summary>
    public static RefreshOutcome? Open(byte[] data, SealedBox box, byte[] tokenHash) =>
        box.Open(data, Purpose(tokenHash)) is { } json
        && JsonSerializer.Deserialize(json, SealedJson.Default.RememberedRefresh) is { } remembered
            ? remembered.ToOutcome()
            : null;

    private RefreshOutcome ToOutcome() => this switch
    {
        { AccessToken: { } access, RefreshToken: { } refresh, Sub: { } sub } =>
            new RefreshOutcome.Renewed(access, ExpiresAt, refresh, sub, Email),
        _ => new RefreshOutcome.Failed(Reason ?? "refused before", Step ?? "", OAuthError.InvalidGrant),
    };

    private static byte[] Purpose(byte[] tokenHash) => [.. "refresh outcome "u8, .. tokenHash];
}
