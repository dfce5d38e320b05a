using System.Security.Cryptography;
using ClaudeGateway.Config;

namespace ClaudeGateway.Tests.Config;

public sealed class ClientAssertionKeyTests
{
    [Fact]
    public void A_private_key_of_2048_bits_is_taken_in_both_forms()
    {
        using var key = RSA.Create(2048);
        AssertProblem(null, key.ExportPkcs8PrivateKeyPem());
        AssertProblem(null, key.ExportRSAPrivateKeyPem());
    }

    [Fact]
    public void What_cannot_sign_is_refused_when_it_is_read()
    {
        using var key = RSA.Create(2048);
        using var small = RSA.Create(1024);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AssertProblem("is not an RSA private key", key.ExportSubjectPublicKeyInfoPem());
        AssertProblem("is not an RSA private key", key.ExportRSAPublicKeyPem());
        AssertProblem("is not an RSA private key", curve.ExportPkcs8PrivateKeyPem());
        AssertProblem("is not an RSA private key", "nonsense");
        AssertProblem("is an RSA key of 1024 bits", small.ExportPkcs8PrivateKeyPem());
        AssertProblem(
            "is encrypted",
            key.ExportEncryptedPkcs8PrivateKeyPem(
                "x", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)));
    }

    private static void AssertProblem(string? expected, string pem)
    {
        var (key, problem) = ClientAssertionKey.Read(pem);
        key?.Dispose();
        Assert.Equal(expected is null, problem is null);
        Assert.StartsWith(expected ?? "", problem ?? "", StringComparison.Ordinal);
    }
}
