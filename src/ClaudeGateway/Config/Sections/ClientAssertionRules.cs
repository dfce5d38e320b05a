using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Config.Sections;

/// <summary>
/// What the key and certificate of <c>private_key_jwt</c> must be: one RSA pair that belongs together (spec/newer.md,
/// oidc).
/// </summary>
internal static class ClientAssertionRules
{
    public static Action<Fields> Check(Key<Secret> privateKey, Key<string> certificate) => fields =>
    {
        if (!fields.Has(privateKey) || !fields.Has(certificate))
        {
            return;
        }

        var (key, problem) = ClientAssertionKey.Read(fields.Get(privateKey).Reveal());
        using (key)
        {
            if (problem is not null)
            {
                fields.Problem(privateKey, problem);
            }

            if (key is not null)
            {
                CheckCertificate(fields, certificate, key);
            }
        }
    };

    private static void CheckCertificate(Fields fields, Key<string> certificate, RSA key)
    {
        try
        {
            var certificates = PemFiles.Certificates(fields.Get(certificate));
            if (certificates.Count != 1)
            {
                fields.Problem(
                    certificate,
                    certificates.Count == 0
                    ? "holds no PEM certificate"
                    : $"holds {certificates.Count} certificates; give only the one registered at the identity "
                        + "provider");
                return;
            }

            using var publicKey = certificates[0].GetRSAPublicKey();
            if (publicKey is null
                || !publicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
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
