using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.SignIn;

/// <summary>What is inside a refresh token of ours.</summary>
/// <param name="IdpToken">The IdP's own refresh token.</param>
/// <param name="Sub">Who the gateway knew the developer as; revocations name it.</param>
/// <param name="IdpSub">The IdP's <c>sub</c>, which stays while <c>oidc.user_id_claim</c> or its value changes; null in
/// a token of before it was kept.</param>
/// <param name="Id">Names this token among all; for one of before it was kept, made of its content.</param>
internal sealed record RefreshTokenContent(
    string IdpToken,
    string Sub,
    string SessionId,
    DateTimeOffset IssuedAt,
    string? IdpSub = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id = null)
{
    /// <summary>
    /// What the store knows the token by: of its content, since one token can be written in several ways.
    /// </summary>
    [JsonIgnore]
    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes(Id ?? ""));

    /// <summary>When what the store knows of the token is of no use any more.</summary>
    [JsonIgnore]
    public DateTimeOffset Expires => IssuedAt + RevocationStore.Lifetime;

    /// <summary>Whether an answer of the IdP is about the person this token was issued to.</summary>
    public bool IsOf(string userId, string? idpSub) =>
        IdpSub is null ? Sub == userId || Sub == idpSub : IdpSub == idpSub;
}

/// <summary>
/// Refresh tokens as clients hold them: the IdP's own, sealed together with the subject and the session, so that nobody
/// can use one at the IdP directly, hand it to another user's session, or keep it past its revocation.
/// </summary>
internal sealed class RefreshTokens(SealedBox box, TimeProvider clock)
{
    /// <summary>
    /// How long a refresh token may lie unused, 180 days; each refresh hands out a new one. A token of a revoked
    /// session must be over before the revocation is forgotten, with a day to spare for clocks that differ.
    /// </summary>
    public static readonly TimeSpan MaxAge = RevocationStore.Lifetime - TimeSpan.FromDays(1);

    private const string Prefix = "gwr_";

    private static ReadOnlySpan<byte> Purpose => "refresh token"u8;

    /// <summary>
    /// Whether the text claims to be ours; anything else is an IdP's own token, from before the gateway sealed them.
    /// </summary>
    public static bool IsOurs(string token) => token.StartsWith(Prefix, StringComparison.Ordinal);

    public string Seal(string idpToken, string sub, string? idpSub, string sessionId)
    {
        var content = new RefreshTokenContent(
            idpToken, sub, sessionId, clock.GetUtcNow(), idpSub, SessionTokens.NewId());
        return Prefix
            + Base64Url.EncodeToString(
                box.Seal(JsonSerializer.SerializeToUtf8Bytes(content, SealedJson.Default.RefreshTokenContent),
                    Purpose));
    }

    /// <summary>Null when the token was changed, sealed with secrets that are gone, or too old.</summary>
    public RefreshTokenContent? Open(string token)
    {
        if (!IsOurs(token))
        {
            return null;
        }

        var encoded = token.AsSpan(Prefix.Length);
        var bytes = new byte[Base64Url.GetMaxDecodedLength(encoded.Length)];
        return Base64Url.DecodeFromChars(encoded, bytes, out _, out var written) == OperationStatus.Done
            && box.Open(bytes.AsSpan(0, written), Purpose) is { } json
            && JsonSerializer.Deserialize(json, SealedJson.Default.RefreshTokenContent) is { } content
            && clock.GetUtcNow() - content.IssuedAt < MaxAge
                ? content with { Id = content.Id ?? Convert.ToHexString(SHA256.HashData(json)) }
                : null;
    }
}
