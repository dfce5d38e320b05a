using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace ClaudeGateway.SignIn.Jose;

/// <summary>
/// Ed25519 verification (RFC 8032 section 5.1.7), which the framework lacks. Only public values go through it, so
/// nothing here needs constant time; plain big integers keep it close to the RFC's text. About 10 ms a signature: it
/// serves sign-ins, not requests.
/// </summary>
internal static class Ed25519
{
    public const int PublicKeyBytes = 32;
    private const int SignatureBytes = 64;

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger L = BigInteger.Pow(2, 252)
        + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);
    private static readonly BigInteger D = Mod(-121665 * Inverse(121666));
    private static readonly BigInteger SqrtOfMinusOne = BigInteger.ModPow(2, (P - 1) / 4, P);
    private static readonly Point Base = BasePoint();

    /// <summary>Extended homogeneous coordinates: x = X/Z, y = Y/Z, x·y = T/Z (RFC 8032 section 5.1.4).</summary>
    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T)
    {
        public static readonly Point Neutral = new(0, 1, 1, 0);
    }

    public static bool Verifies(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeyBytes || signature.Length != SignatureBytes
            || Decode(publicKey) is not { } a || Decode(signature[..32]) is not { } r)
        {
            return false;
        }

        var s = new BigInteger(signature[32..], isUnsigned: true);
        if (s >= L)
        {
            return false; // Malleable: s and s + L would both verify.
        }

        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        sha.AppendData(signature[..32]);
        sha.AppendData(publicKey);
        sha.AppendData(message);
        var k = new BigInteger(sha.GetHashAndReset(), isUnsigned: true) % L;
        return AreEqual(Multiply(s, Base), Add(r, Multiply(k, a)));
    }

    private static Point BasePoint()
    {
        var y = Mod(4 * Inverse(5));
        var x = RecoverX(y, isOdd: false) ?? BigInteger.Zero;
        return new Point(x, y, 1, Mod(x * y));
    }

    /// <summary>RFC 8032 section 5.1.3; null when the bytes are not the canonical form of a point.</summary>
    private static Point? Decode(ReadOnlySpan<byte> encoded)
    {
        Span<byte> bytes = stackalloc byte[32];
        encoded.CopyTo(bytes);
        var isOdd = (bytes[31] & 0x80) != 0;
        bytes[31] &= 0x7f;
        var y = new BigInteger(bytes, isUnsigned: true);
        return y < P && RecoverX(y, isOdd) is { } x ? new Point(x, y, 1, Mod(x * y)) : null;
    }

    private static BigInteger? RecoverX(BigInteger y, bool isOdd)
    {
        var square = Mod(((y * y) - 1) * Inverse((D * y * y) + 1));
        if (square.IsZero)
        {
            return isOdd ? null : BigInteger.Zero;
        }

        var x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod((x * x) - square) != 0)
        {
            x = Mod(x * SqrtOfMinusOne);
        }

        if (Mod((x * x) - square) != 0)
        {
            return null;
        }

        return x.IsEven == isOdd ? P - x : x;
    }

    private static Point Add(Point p, Point q)
    {
        var a = Mod((p.Y - p.X) * (q.Y - q.X));
        var b = Mod((p.Y + p.X) * (q.Y + q.X));
        var c = Mod(2 * p.T * q.T * D);
        var d = Mod(2 * p.Z * q.Z);
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    private static Point Multiply(BigInteger scalar, Point point)
    {
        var result = Point.Neutral;
        for (; scalar > 0; scalar >>= 1)
        {
            if (!scalar.IsEven)
            {
                result = Add(result, point);
            }

            point = Add(point, point);
        }

        return result;
    }

    private static bool AreEqual(Point p, Point q) =>
        Mod((p.X * q.Z) - (q.X * p.Z)).IsZero && Mod((p.Y * q.Z) - (q.Y * p.Z)).IsZero;

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Mod(value), P - 2, P);

    private static BigInteger Mod(BigInteger value)
    {
        var rest = value % P;
        return rest.Sign < 0 ? rest + P : rest;
    }
}
