using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClaudeGateway.Config.Sections;

/// <summary>Certificates given as PEM text (RFC 7468).</summary>
internal static class PemFiles
{
    public static string? CertificateProblem(string pem)
    {
        try
        {
            return Certificates(pem).Count > 0 ? null : "holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
        }
        catch (CryptographicException)
        {
            return "holds a PEM certificate that cannot be read";
        }
    }

    /// <exception cref="CryptographicException">A certificate cannot be read.</exception>
    public static X509Certificate2Collection Certificates(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates;
    }
}
