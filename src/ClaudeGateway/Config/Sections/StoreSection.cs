using System.Text.RegularExpressions;
using ClaudeGateway.Config.Postgres;
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
        "PostgreSQL 11 or later. Query parameters mean what they mean to libpq "
            + "([which](operations.md#the-store)); others are sent as server settings. Of several hosts (`h1,h2`) the "
            + "one that can be written is used.")
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
        "Seconds one connection attempt may take; wins over `connect_timeout` of the URL. With several hosts each has one "
            + "second.")
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
        ConnectTimeout = TimeoutOf(fields),
        ReadinessGrace = TimeSpan.FromSeconds(fields.Get(ReadinessGrace)),
    };

    private static TimeSpan TimeoutOf(Fields fields) =>
        !fields.IsGiven(ConnectTimeout) && fields.Get(Url) is { } url
            && PostgresUrl.Parse(new StoreConfig { PostgresUrl = url }).ConnectTimeout is { } ofUrl
            ? ofUrl
            : TimeSpan.FromSeconds(fields.Get(ConnectTimeout));

    /// <summary>
    /// The password stands between the user and the last @ of the authority; parameters may hold one too.
    /// </summary>
    private static string WithoutPassword(string url) =>
        PasswordAndParameters()
        .Replace(url, match => match.Groups["user"].Success ? $"{match.Groups["user"].Value}:***@" : "?***");

    [GeneratedRegex(@"(?<user>://[^:/?#@]*):[^/?#]*@|\?.*$", RegexOptions.CultureInvariant)]
    private static partial Regex PasswordAndParameters();

    /// <summary>Repeats no more of the URL than names and plain values of parameters: it holds a password.</summary>
    private static string? PostgresUrlProblem(string url)
    {
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
