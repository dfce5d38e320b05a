using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// Who PostgreSQL must prove to be with <c>sslmode=verify-ca</c> and <c>verify-full</c>. The gateway judges the
/// certificate itself, by the authorities that count for all its connections, and says which of the two is wrong: the
/// authority or the name. With the other modes, and without a password-protected client key, Npgsql's own handling
/// stays as it is.
/// </summary>
internal sealed class PostgresTls
{
    /// <summary>id-kp-serverAuth (RFC 5280 section 4.2.1.12).</summary>
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly bool _isJudge;
    private readonly X509Certificate2Collection? _roots;
    private readonly X509Certificate2Collection _extra = [];

    /// <exception cref="OperatorException">The file of <c>sslrootcert</c> cannot be used.</exception>
    public PostgresTls(NpgsqlConnectionStringBuilder settings, ProcessEnvironment environment, OperationalLog log)
    {
        _isJudge = settings.SslMode is SslMode.VerifyCA or SslMode.VerifyFull;
        if (_isJudge)
        {
            _roots = ReadRoots(settings.RootCertificate ?? DefaultRoots(environment));
            _extra = ExtraAuthorities.Read(environment, log.Warn);
        }
    }

    /// <exception cref="ArgumentException">Npgsql refuses the settings.</exception>
    public NpgsqlDataSourceBuilder Builder(NpgsqlConnectionStringBuilder settings)
    {
        if (!_isJudge)
        {
            return new NpgsqlDataSourceBuilder(settings.ConnectionString);
        }

        var check = new ServerCheck(settings.Host ?? "", settings.SslMode == SslMode.VerifyFull, _roots, _extra);
        // Npgsql takes a judge of our own only where it would not judge itself. TLS stays required.
        var judged = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            SslMode = SslMode.Require,
            RootCertificate = null,
        };
        var builder = new NpgsqlDataSourceBuilder(judged.ConnectionString);
        builder.UseSslClientAuthenticationOptionsCallback(options =>
            options.RemoteCertificateValidationCallback =
                (_, certificate, presented, errors) => check.Admits(certificate, presented, errors));
        return builder;
    }

    /// <summary>Where libpq looks without sslrootcert, and Npgsql with it.</summary>
    private static string? DefaultRoots(ProcessEnvironment environment)
    {
        if (environment["PGSSLROOTCERT"] is { Length: > 0 } file)
        {
            return file;
        }

        var usual = Path.Combine(environment["HOME"] ?? "", ".postgresql", "root.crt");
        return environment["HOME"] is { Length: > 0 } && File.Exists(usual) ? usual : null;
    }

    private static X509Certificate2Collection? ReadRoots(string? file)
    {
        // libpq's word for the system's authorities.
        if (string.IsNullOrEmpty(file) || file == "system")
        {
            return null;
        }

        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(file);
            return roots;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new OperatorException($"store.postgres_url: sslrootcert {file} cannot be used: {e.Message}", e);
        }
    }

    private sealed class ServerCheck(
        string host, bool needsName, X509Certificate2Collection? roots, X509Certificate2Collection extra)
    {
        /// <exception cref="AuthenticationException">Why not; Npgsql's own words are the same for every
        /// reason.</exception>
        public bool Admits(X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
        {
            if (certificate is null)
            {
                throw new AuthenticationException("the database presented no certificate");
            }

            using var leaf = new X509Certificate2(certificate);
            using var chain = new X509Chain { ChainPolicy = ExtraAuthorities.ChainPolicy(roots, extra) };
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
            foreach (var element in presented?.ChainElements.Skip(1) ?? [])
            {
                chain.ChainPolicy.ExtraStore.Add(element.Certificate);
            }

            if (presented is not null)
            {
                chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
            }

            if (!chain.Build(leaf))
            {
                var reasons = string.Join(", ", chain.ChainStatus.Select(status => status.Status).Distinct());
                throw new AuthenticationException(
                    $"the database's certificate comes from no authority this machine trusts ({reasons}): "
                    + "name the authority's file with sslrootcert in store.postgres_url or in NODE_EXTRA_CA_CERTS");
            }

            if (needsName && errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            {
                throw new AuthenticationException(
                    $"the database's certificate is not for the host {host} (it names {Names(leaf)}): "
                    + "use a name it holds in store.postgres_url, or sslmode=verify-ca to check the authority alone");
            }

            return true;
        }

        private static string Names(X509Certificate2 certificate)
        {
            var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
            List<string> all =
            [
                .. names?.EnumerateDnsNames() ?? [],
                .. names?.EnumerateIPAddresses().Select(address => address.ToString()) ?? [],
            ];
            return all.Count > 0 ? string.Join(", ", all.Take(5)) : certificate.Subject;
        }
    }
}
