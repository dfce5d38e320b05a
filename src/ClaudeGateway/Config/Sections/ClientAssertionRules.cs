using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Config.Sections;

/// <summary>What the key and certificate of <c>private_key_jwt</c> must be: one RSA pair that belongs together (spec/newer.md, oidc).</summary>
internal static class ClientAssertionRules
{
    private const int MinimumKeyBits = 2048;

    public static Action<Fields> Check(Key<Secret> privateKey, Key<string> certificate) => fields =>
    {
        if (!fields.Has(privateKey) || !fields.Has(certificate))
        {
            return;
        }

        using var key = ReadKey(fields, privateKey);
        if (key is null)
        {
            return;
        }

        if (key.KeySize < MinimumKeyBits)
        {
            fields.Problem(privateKey, $"is an RSA key of {key.KeySize} bits; at least {MinimumKeyBits} are needed");
        }

        CheckCertificate(fields, certificate, key);
    };

    private static RSA? ReadKey(Fields fields, Key<Secret> privateKey)
    {
        var pem = fields.Get(privateKey).Reveal();
        if (pem.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            fields.Problem(privateKey, "is encrypted; give it unencrypted, for example from a mounted secret with ${file:}");
            return null;
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            return rsa;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            rsa.Dispose();
            fields.Problem(privateKey, "is not an RSA private key in PEM form (PKCS#8 or PKCS#1)");
            return null;
        }
    }

    private static void CheckCertificate(Fields fields, Key<string> certificate, RSA key)
    {
        try
        {
            var certificates = PemFiles.Certificates(fields.Get(certificate));
            if (certificates.Count != 1)
            {
                fields.Problem(certificate, certificates.Count == 0 ? "holds no PEM certificate" : $"holds {certificates.Count} certificates; give only the one registered at the identity provider");
                return;
            }

            using var publicKey = certificates[0].GetRSAPublicKey();
            if (publicKey is null || !publicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            {
                fields.Problem(certificate, "does not belong to private_key_pem");
            }
        }
        catch (CryptographicException)
        {
            fields.Problem(certificate, "holds a PEM certificate that cannot be read");
        }
    }
}
