using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClaudeGateway.Testing;

/// <summary>
/// A server certificate of an authority of its own, with its key, in PEM files that a test may renew or break.
/// </summary>
internal sealed class CertificateFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("claude-gateway-tls-").FullName;
    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private readonly string _host;
    private DateTime _written = DateTime.UnixEpoch;

    public CertificateFiles(string host)
    {
        _host = host;
        var request = new CertificateRequest("CN=Test authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        Renew();
    }

    public string CertificatePath => Path.Combine(_folder, "cert.pem");

    public string KeyPath => Path.Combine(_folder, "key.pem");

    public string AuthorityPem => _authority.ExportCertificatePem();

    public X509Certificate2 Load() => X509Certificate2.CreateFromPemFile(CertificatePath, KeyPath);

    /// <summary>A client that trusts this authority alone.</summary>
    public SslClientAuthenticationOptions ClientOptions()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(_authority);
        return new SslClientAuthenticationOptions { TargetHost = _host, CertificateChainPolicy = policy };
    }

    public void Renew()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={_host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(_host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            _authority,
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(200),
            RandomNumberGenerator.GetBytes(16));
        Write(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public void Break() => Write("nonsense", "nonsense");

    public void Dispose()
    {
        _authority.Dispose();
        _authorityKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Write(string certificate, string key)
    {
        File.WriteAllText(CertificatePath, certificate);
        File.WriteAllText(KeyPath, key);
        // Distinct times, however coarse the file system's clock.
        _written = _written.AddSeconds(1);
        File.SetLastWriteTimeUtc(CertificatePath, _written);
    }
}
