using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// The signed assertion of <c>private_key_jwt</c> (RFC 7523 section 2.2): RS256, named by the certificate's thumbprints
/// as Entra ID asks, a new one for each request, good for five minutes.
/// </summary>
internal sealed class ClientAssertion : IDisposable
{
    private const int LifetimeSeconds = 300;
    private const int MinKeyBits = 2048;
    private static readonly TimeSpan ExpiryNotice = TimeSpan.FromDays(30);

    private readonly RSA _key;
    private readonly TimeProvider _clock;
    private readonly string _header;

    /// <exception cref="OperatorException">The key or the certificate cannot be used, or they do not belong together.</exception>
    public ClientAssertion(ClientAssertionConfig config, TimeProvider clock, OperationalLog log)
    {
        _clock = clock;
        _key = ReadKey(config.PrivateKeyPem.Reveal());
        using var certificate = ReadCertificate(config.CertificatePem);
        using var certified = certificate.GetRSAPublicKey();
        if (certified is null || !certified.ExportRSAPublicKey().AsSpan().SequenceEqual(_key.ExportRSAPublicKey()))
        {
            throw new OperatorException("oidc.client_assertion: certificate_pem is not the certificate of private_key_pem");
        }

        var sha1 = certificate.GetCertHash(HashAlgorithmName.SHA1);
        var sha256 = certificate.GetCertHash(HashAlgorithmName.SHA256);
        _header = Encode($$"""{"alg":"RS256","typ":"JWT","x5t":"{{Base64Url.EncodeToString(sha1)}}","x5t#S256":"{{Base64Url.EncodeToString(sha256)}}"}""");
        Announce(certificate, sha1, log);
    }

    public string Create(string clientId, Uri tokenEndpoint)
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var payload = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            json.WriteString("iss", clientId);
            json.WriteString("sub", clientId);
            json.WriteString("aud", tokenEndpoint.OriginalString);
            json.WriteString("jti", Guid.NewGuid());
            json.WriteNumber("iat", now);
            json.WriteNumber("nbf", now);
            json.WriteNumber("exp", now + LifetimeSeconds);
            json.WriteEndObject();
        }

        var signed = $"{_header}.{Base64Url.EncodeToString(payload.WrittenSpan)}";
        var signature = _key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public void Dispose() => _key.Dispose();

    private static RSA ReadKey(string pem)
    {
        var key = RSA.Create();
        try
        {
            if (pem.Contains("ENCRYPTED", StringComparison.Ordinal))
            {
                throw new OperatorException("oidc.client_assertion.private_key_pem is encrypted; give it without a passphrase, e.g. through ${file:}");
            }

            key.ImportFromPem(pem);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new OperatorException("oidc.client_assertion.private_key_pem is not one RSA private key in PEM (PKCS#8 or PKCS#1)", e);
        }

        if (key.KeySize < MinKeyBits)
        {
            throw new OperatorException($"oidc.client_assertion.private_key_pem has {key.KeySize} bits; at least {MinKeyBits} are needed");
        }

        return key;
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
            : throw new OperatorException($"oidc.client_assertion.certificate_pem holds {certificates.Count} certificates; give the client's own alone");
    }

    private void Announce(X509Certificate2 certificate, byte[] sha1, OperationalLog log)
    {
        var expires = certificate.NotAfter.ToUniversalTime();
        var text = $"oidc: client certificate {certificate.Subject}, thumbprint {Convert.ToHexString(sha1)}, expires {expires:yyyy-MM-dd}";
        if (expires - _clock.GetUtcNow() < ExpiryNotice)
        {
            log.Warn(text + ": renew it, sign-in stops when it has expired");
        }
        else
        {
            log.Info(text);
        }
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
