using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ClaudeGateway.Sessions;

/// <summary>
/// Encrypts what waits in the store or in a client's hands so that only gateways of the same secrets can read it, and a
/// changed byte is noticed (AES-256-GCM). The content key is wrapped for every configured secret: while a rotation
/// rolls through the replicas, one that knows only the old secret and one that knows only the new can both open it.
/// Layout: version 1 · count n · n × (key id 4, nonce 12, wrapped key 32, tag 16) · nonce 12 · ciphertext · tag 16.
/// </summary>
internal sealed class SealedBox(SessionSecrets secrets)
{
    public const int KeyIdBytes = 4;
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int KeyBytes = 32;
    private const int RecipientBytes = KeyIdBytes + NonceBytes + KeyBytes + TagBytes;
    private const int MaxRecipients = 255;

    /// <param name="purpose">Names the use; a box opens only for the purpose it was sealed for.</param>
    public byte[] Seal(ReadOnlySpan<byte> content, ReadOnlySpan<byte> purpose)
    {
        var recipients = Math.Min(secrets.All.Count, MaxRecipients);
        var box = new byte[2 + (recipients * RecipientBytes) + NonceBytes + content.Length + TagBytes];
        box[0] = Version;
        box[1] = (byte)recipients;

        Span<byte> contentKey = stackalloc byte[KeyBytes];
        RandomNumberGenerator.Fill(contentKey);
        var rest = box.AsSpan(2);
        for (var i = 0; i < recipients; i++)
        {
            secrets.All[i].SealingKeyId.CopyTo(rest);
            Encrypt(secrets.All[i].SealingKey, contentKey, purpose, rest[KeyIdBytes..RecipientBytes]);
            rest = rest[RecipientBytes..];
        }

        Encrypt(contentKey, content, purpose, rest);
        CryptographicOperations.ZeroMemory(contentKey);
        return box;
    }

    /// <summary>
    /// The content, or null when the box was made with other secrets, for another purpose, or was changed.
    /// </summary>
    public byte[]? Open(ReadOnlySpan<byte> box, ReadOnlySpan<byte> purpose)
    {
        if (box.Length < 2 || box[0] != Version || box.Length < 2 + (box[1] * RecipientBytes) + NonceBytes + TagBytes)
        {
            return null;
        }

        var content = box[(2 + (box[1] * RecipientBytes))..];
        for (var i = 0; i < box[1]; i++)
        {
            var recipient = box.Slice(2 + (i * RecipientBytes), RecipientBytes);
            foreach (var key in secrets.All)
            {
                if (BinaryPrimitives.ReadUInt32BigEndian(recipient) == BinaryPrimitives.ReadUInt32BigEndian(
                    key.SealingKeyId)
                    && Decrypt(key.SealingKey, recipient[KeyIdBytes..], purpose) is { Length: KeyBytes } contentKey
                    && Decrypt(contentKey, content, purpose) is { } opened)
                {
                    return opened;
                }
            }
        }

        return null;
    }

    /// <summary>Writes nonce, ciphertext and tag into <paramref name="target"/>.</summary>
    private static void Encrypt(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> purpose, Span<byte> target)
    {
        RandomNumberGenerator.Fill(target[..NonceBytes]);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(target[..NonceBytes], plain, target[NonceBytes..^TagBytes], target[^TagBytes..], purpose);
    }

    private static byte[]? Decrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> source, ReadOnlySpan<byte> purpose)
    {
        var plain = new byte[source.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(source[..NonceBytes], source[NonceBytes..^TagBytes], source[^TagBytes..], plain, purpose);
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
