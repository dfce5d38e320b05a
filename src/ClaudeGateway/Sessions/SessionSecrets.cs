using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Config;

namespace ClaudeGateway.Sessions;

/// <summary>
/// The keys of <c>session.jwt_secret</c>: the first signs, all verify (spec/auth.md, Bearer). A key id is the first 16
/// hexadecimal digits of the secret's SHA-256, so replicas and the reference agree on it.
/// </summary>
internal sealed class SessionSecrets
{
    public SessionSecrets(IReadOnlyList<Secret> secrets)
    {
        All = [.. secrets.Select(secret => new SessionKey(Encoding.UTF8.GetBytes(secret.Reveal())))];
    }

    public IReadOnlyList<SessionKey> All { get; }

    public SessionKey Signing => All[0];
}

/// <summary>One secret: HMAC key for bearers, and source of the key that seals (<see cref="SealedBox"/>).</summary>
internal sealed class SessionKey
{
    private readonly byte[] _secret;

    public SessionKey(byte[] secret)
    {
        _secret = secret;
        var hash = SHA256.HashData(secret);
        KeyId = Convert.ToHexStringLower(hash.AsSpan(0, 8));
        SealingKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32,
            info: "claude-gateway sealed box"u8.ToArray());
        SealingKeyId = hash[..SealedBox.KeyIdBytes];
    }

    /// <summary>16 hexadecimal digits.</summary>
    public string KeyId { get; }

    /// <summary>An AES-256 key of its own, so that no key serves two algorithms.</summary>
    public byte[] SealingKey { get; }

    public byte[] SealingKeyId { get; }

    /// <summary>HMAC-SHA256 of <paramref name="data"/>, 32 bytes.</summary>
    public void Sign(ReadOnlySpan<byte> data, Span<byte> mac) => HMACSHA256.HashData(_secret, data, mac);
}
