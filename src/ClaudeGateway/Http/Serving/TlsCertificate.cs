using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Http.Serving;

/// <summary>
/// The certificate of <c>listen.tls</c>, read again when its files change, so that a renewal needs no restart. Files
/// that cannot be used are reported and the certificate in use stays.
/// </summary>
internal sealed class TlsCertificate
{
    /// <summary>How stale a look at the files may be.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(5);

    private readonly TlsConfig _config;
    private readonly TimeProvider _clock;
    private readonly OperationalLog _log;
    /// <summary>Protects the three fields below it.</summary>
    private readonly Lock _lock = new();
    private SslServerAuthenticationOptions _current;
    private FileVersions _versions;
    private long _lookedAt;

    /// <exception cref="OperatorException">The files are missing or do not hold a certificate and its key.</exception>
    public TlsCertificate(TlsConfig config, TimeProvider clock, OperationalLog log)
    {
        _config = config;
        _clock = clock;
        _log = log;
        _lookedAt = clock.GetTimestamp();
        _versions = FileVersions.Of(config);
        try
        {
            _current = Load();
        }
        catch (Exception e) when (TlsConfig.IsUnusable(e))
        {
            throw new OperatorException($"listen.tls: {Describe(e)}", e);
        }
    }

    /// <summary>When the certificate in use ends.</summary>
    public DateTimeOffset NotAfter =>
        Volatile.Read(ref _current).ServerCertificateContext!.TargetCertificate.NotAfter.ToUniversalTime();

    /// <summary>What the next handshake uses.</summary>
    public SslServerAuthenticationOptions Current()
    {
        if (_clock.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookAgainAfter && _lock.TryEnter())
        {
            try
            {
                ReloadIfChanged_NeedsLock();
            }
            finally
            {
                _lock.Exit();
            }
        }

        return Volatile.Read(ref _current);
    }

    private void ReloadIfChanged_NeedsLock()
    {
        Volatile.Write(ref _lookedAt, _clock.GetTimestamp());
        var versions = FileVersions.Of(_config);
        if (versions == _versions)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _current, Load());
            _log.Info($"listen.tls: the certificate in {_config.CertPath} was replaced; new connections use it");
        }
        catch (Exception e) when (TlsConfig.IsUnusable(e))
        {
            // Often a look between the writing of the two files; the next change is looked at again.
            _log.Warn($"listen.tls: the changed files cannot be used, the certificate in use stays: {Describe(e)}");
        }

        _versions = versions;
    }

    private SslServerAuthenticationOptions Load()
    {
        var certificate = _config.ReadCertificate();
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_config.CertPath);
        chain.RemoveAt(0);
        return new SslServerAuthenticationOptions
        {
            // Offline: the chain is what the file holds; nothing is fetched during a handshake.
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
#pragma warning disable CA5398 // TLS 1.2 and 1.3 by name is the point: older versions of the system's default stay out.
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
        };
    }

    private string Describe(Exception exception) => exception switch
    {
        FileNotFoundException e => $"{e.FileName} does not exist",
        DirectoryNotFoundException e => e.Message,
        IOException or UnauthorizedAccessException => exception.Message,
        _ =>
            $"cert {_config.CertPath} and key {_config.KeyPath} are not a certificate and its unencrypted private key "
                + $"in PEM: {exception.Message}",
    };

    private readonly record struct FileVersions(
        DateTime Certificate, long CertificateBytes, DateTime Key, long KeyBytes)
    {
        /// <summary>Through symbolic links, as Kubernetes swaps a link to replace mounted files.</summary>
        public static FileVersions Of(TlsConfig config)
        {
            var (certificate, key) = (Resolve(config.CertPath), Resolve(config.KeyPath));
            return new FileVersions(
                certificate.LastWriteTimeUtc,
                certificate.Exists ? certificate.Length : 0,
                key.LastWriteTimeUtc,
                key.Exists ? key.Length : 0);
        }

        private static FileInfo Resolve(string path)
        {
            var file = new FileInfo(path);
            try
            {
                return file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            }
            catch (IOException)
            {
                return file;
            }
        }
    }
}
