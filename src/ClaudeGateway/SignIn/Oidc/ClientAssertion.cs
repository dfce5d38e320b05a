using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Jose;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// The signed assertion of <c>private_key_jwt</c> (RFC 7523 section 2.2): RS256, named by the certificate's thumbprints
/// as Entra ID asks, a new one for each request, good for five minutes.
/// </summary>
internal sealed class ClientAssertion : IDisposable
{
    private const int LifetimeSeconds = 300;
    private static readonly TimeSpan ExpiryNotice = TimeSpan.FromDays(30);

    private readonly RSA _key;
    private readonly TimeProvider _clock;
    private readonly byte[] _header;

    /// <exception cref="OperatorException">The key or the certificate cannot be used, or they do not belong
    /// together.</exception>
    public ClientAssertion(ClientAssertionConfig config, TimeProvider clock, OperationalLog log)
    {
        _clock = clock;
        _key = ReadKey(config.PrivateKeyPem.Reveal());
        using var certificate = ReadCertificate(config.CertificatePem);
        using var certified = certificate.GetRSAPublicKey();
        if (certified is null || !certified.ExportRSAPublicKey().AsSpan().SequenceEqual(_key.ExportRSAPublicKey()))
        {
            throw new OperatorException(
                "oidc.client_assertion: certificate_pem is not the certificate of private_key_pem");
        }

        var sha1 = certificate.GetCertHash(HashAlgorithmName.SHA1);
        var sha256 = certificate.GetCertHash(HashAlgorithmName.SHA256);
        var (x5t, x5tS256) = (Base64Url.EncodeToString(sha1), Base64Url.EncodeToString(sha256));
        _header = Encoding.ASCII.GetBytes($$"""{"alg":"RS256","typ":"JWT","x5t":"{{x5t}}","x5t#S256":"{{x5tS256}}"}""");
        Announce(certificate, sha1, log);
    }

    public string Create(string clientId, Uri tokenEndpoint)
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        return SignedAssertion.Create(
            _header,
            json =>
            {
                json.WriteString("iss", clientId);
                json.WriteString("sub", clientId);
                json.WriteString("aud", tokenEndpoint.OriginalString);
                json.WriteString("jti", RandomNumberGenerator.GetHexString(32, lowercase: true));
                json.WriteNumber("iat", now);
                json.WriteNumber("nbf", now);
                json.WriteNumber("exp", now + LifetimeSeconds);
            },
            _key);
    }

    public void Dispose() => _key.Dispose();

    private static RSA ReadKey(string pem)
    {
        var (key, problem) = ClientAssertionKey.Read(pem);
        if (key is not null && problem is null)
        {
            return key;
        }

        key?.Dispose();
        throw new OperatorException($"oidc.client_assertion.private_key_pem {problem}");
    }

    private static X509Certificate2 ReadCertificate(string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new OperatorException("oidc.client_assertion.certificate_pem is not a certificate in PEM", e);
        }

        return certificates.Count == 1
            ? certificates[0]
            : throw new OperatorException(
                $"oidc.client_assertion.certificate_pem holds {certificates.Count} certificates; give the client's own "
                    + "alone");
    }

    private void Announce(X509Certificate2 certificate, byte[] sha1, OperationalLog log)
    {
        var expires = certificate.NotAfter.ToUniversalTime();
        var text =
            $"oidc: client certificate {certificate.Subject}, thumbprint {Convert.ToHexString(sha1)}, expires "
                + $"{expires:yyyy-MM-dd}";
        if (expires - _clock.GetUtcNow() < ExpiryNotice)
        {
            log.Warn(text + ": renew it, sign-in stops when it has expired");
        }
        else
        {
            log.Info(text);
        }
    }
}
