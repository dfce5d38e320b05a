using System.Globalization;
using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Process;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>store</c>.</summary>
internal static partial class StoreSection
{
    /// <summary>The driver reserves room for each; PostgreSQL itself serves a few hundred well.</summary>
    private const int MaxPool = 10_000;

    private static readonly Key<Secret> Url = new(
        "postgres_url",
        SecretText(0).Named("postgres:// URL", WithoutPassword).Must(url => PostgresUrlProblem(url.Reveal())),
        "PostgreSQL 11 or later, one host. Query parameters are sent as server parameters; `sslmode` is honoured.")
    {
        Required = "required unless `sqlite_path` is given",
        NeedsRestart = true,
        Example = "postgres://gateway:${DB_PASSWORD}@db.example.com:5432/gateway?sslmode=require",
    };

    private static readonly Key<string> SqlitePath = new(
        "sqlite_path",
        Text().Named("file path"),
        "Use the embedded store in this file instead of PostgreSQL: one replica only. Our own key.")
    {
        Example = "/var/lib/claude-gateway/gateway.db",
        NeedsRestart = true,
    };

    private static readonly Key<string> Username = new("username", Text(0), "Overrides the user of the URL.")
    {
        Example = "gateway",
        NeedsRestart = true,
    };

    private static readonly Key<Secret> Password = new(
        "password",
        SecretText(0),
        "Overrides the password of the URL; needs no percent-encoding here.")
    {
        Example = "${DB_PASSWORD}",
        NeedsRestart = true,
    };

    private static readonly Key<int> MaxConnections = new(
        "max_connections",
        Integer(1, MaxPool),
        "Connections the gateway opens at most.")
    {
        Default = "5",
        NeedsRestart = true,
    };

    private static readonly Key<int> ConnectTimeout = new(
        "connect_timeout_seconds",
        Integer(1, 60),
        "Seconds one connection attempt may take.")
    {
        Default = "5",
        NeedsRestart = true,
    };

    private static readonly Key<int> ReadinessGrace = new(
        "readiness_grace_seconds",
        Integer(0, 3600, NumberSpelling.Digits),
        "Seconds for which `/readyz` stays 200 after the store stopped answering.")
    {
        Default = "0",
        NeedsRestart = true,
    };

    public static readonly Shape<StoreConfig> Shape = Object(
        [Url, SqlitePath, Username, Password, MaxConnections, ConnectTimeout, ReadinessGrace], Build, Check);

    private static void Check(Fields fields)
    {
        if (!fields.IsGiven(Url) && !fields.IsGiven(SqlitePath))
        {
            fields.Require(Url, "(or sqlite_path for the embedded store)");
        }
        else if (fields.IsGiven(Url) && fields.IsGiven(SqlitePath))
        {
            fields.Problem(SqlitePath, "cannot stand beside postgres_url; keep one of them");
        }
    }

    private static StoreConfig Build(Fields fields) => new()
    {
        PostgresUrl = fields.Get(Url),
        SqlitePath = fields.Get(SqlitePath),
        Username = fields.Get(Username) is { Length: > 0 } name ? name : null,
        Password = fields.Get(Password),
        MaxConnections = fields.Get(MaxConnections),
        ConnectTimeout = TimeSpan.FromSeconds(fields.Get(ConnectTimeout)),
        ReadinessGrace = TimeSpan.FromSeconds(fields.Get(ReadinessGrace)),
    };

    /// <summary>
    /// The password stands between the user and the last @ of the authority; parameters may hold one too.
    /// </summary>
    private static string WithoutPassword(string url) =>
        PasswordAndParameters()
        .Replace(url, match => match.Groups["user"].Success ? $"{match.Groups["user"].Value}:***@" : "?***");

    [GeneratedRegex(@"(?<user>://[^:/?#@]*):[^/?#]*@|\?.*$", RegexOptions.CultureInvariant)]
    private static partial Regex PasswordAndParameters();

    /// <summary>Never repeats any part of the URL: it holds a password.</summary>
    private static string? PostgresUrlProblem(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme] is not ("postgres" or "postgresql"))
        {
            return "must begin with postgres:// or postgresql://";
        }

        var rest = url[(scheme + 3)..];
        var end = rest.IndexOfAny(['/', '?', '#']);
        var authority = end < 0 ? rest : rest[..end];
        var hostAndPort = authority[(authority.LastIndexOf('@') + 1)..];
        if (hostAndPort.Contains(',', StringComparison.Ordinal))
        {
            return "names several hosts; give one host, such as that of your connection pooler";
        }

        var bracket = hostAndPort.IndexOf(']', StringComparison.Ordinal);
        var colon = hostAndPort.IndexOf(':', Math.Max(bracket, 0));
        var host = colon < 0 ? hostAndPort : hostAndPort[..colon];
        if (colon >= 0
            && (!int.TryParse(
                    hostAndPort.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                || port is < 1 or > 65535))
        {
            return "its port is not a number from 1 to 65535 (characters such as ':', '/' and '@' in a password must "
                + "be percent-encoded, or the password given as store.password)";
        }

        if (host.Length == 0 && !rest.Contains("host=", StringComparison.Ordinal))
        {
            return "has no host: expected postgres://user:password@host:5432/database";
        }

        try
        {
            _ = PostgresUrl.Parse(new StoreConfig { PostgresUrl = new Secret(url) });
            return null;
        }
        catch (OperatorException e)
        {
            return e.Message[(e.Message.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            return "has a part that cannot be used; expected postgres://user:password@host:5432/database";
        }
    }
}
