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
        FixedPart = static url => PasswordOfUrl().Replace(url, "${before}"),
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
        "Overrides the password of the URL; needs no percent-encoding here. One of a file (`${file:…}`) is read again "
            + "for each new connection, also where the file holds the whole URL.")
    {
        Example = "${DB_PASSWORD}",
        NeedsRestart = true,
        FixedPart = static _ => "",
    };

    private static readonly Key<StoreAuth> Auth = new(
        "auth",
        Choice(("aws_iam", StoreAuth.AwsIam), ("google_iam", StoreAuth.GoogleIam), ("entra", StoreAuth.Entra)),
        "Takes a cloud's token as the password of each new connection: Amazon RDS, Google Cloud SQL, Azure Database "
            + "for PostgreSQL ([what each needs](operations.md#the-store)). TLS is required. Our own key.")
    {
        Example = "aws_iam",
        NeedsRestart = true,
    };

    private static readonly Key<string> AwsRegion = new(
        "aws_region",
        Text(),
        "Region of the database with `auth: aws_iam`; taken from a name that ends in `REGION.rds.amazonaws.com`, or "
            + "from `AWS_REGION`, when absent. Our own key.")
    {
        Example = "eu-central-1",
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
        [
            Url, SqlitePath, Username, Password, Auth, AwsRegion, MaxConnections, ConnectTimeout, ReadinessGrace,
        ],
        Build,
        Check);

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

        if (fields.Has(Auth))
        {
            CheckAuth(fields);
        }
        else if (fields.IsGiven(AwsRegion))
        {
            fields.Problem(AwsRegion, "is only for auth: aws_iam");
        }
    }

    private static void CheckAuth(Fields fields)
    {
        if (fields.IsGiven(AwsRegion) && fields.Get(Auth) != StoreAuth.AwsIam)
        {
            fields.Problem(AwsRegion, "is only for auth: aws_iam");
        }

        if (fields.IsGiven(Password))
        {
            fields.Problem(Password, "cannot stand beside auth, whose token is the password");
        }

        if (!fields.Has(Url))
        {
            fields.Problem(Auth, "is only for postgres_url");
            return;
        }

        try
        {
            var settings = PostgresUrl.Parse(Build(fields) with { Password = null }).Settings;
            if (settings.Password is not null)
            {
                fields.Problem(Url, "has a password, which cannot stand beside auth: the token is the password");
            }

            if (settings.Username is null)
            {
                fields.Problem(Url, "names no user; auth needs the one that the database knows the identity by");
            }
        }
        catch (OperatorException e)
        {
            fields.Problem(Url, WithoutKey(e));
        }
    }

    private static string WithoutKey(OperatorException e) =>
        e.Message[(e.Message.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    private static StoreConfig Build(Fields fields) => new()
    {
        PostgresUrl = fields.Get(Url),
        SqlitePath = fields.Get(SqlitePath),
        Username = fields.Get(Username) is { Length: > 0 } name ? name : null,
        Password = fields.Get(Password),
        UrlFile = fields.FileOf(Url),
        PasswordFile = fields.FileOf(Password),
        Auth = fields.Has(Auth) ? fields.Get(Auth) : null,
        AwsRegion = fields.Get(AwsRegion),
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

    [GeneratedRegex(
        @"(?<before>://[^:/?#@]*):[^/?#]*(?=@)|(?<before>[?&]password=)[^&#]*", RegexOptions.CultureInvariant)]
    private static partial Regex PasswordOfUrl();

    /// <summary>Repeats no more of the URL than names and plain values of parameters: it holds a password.</summary>
    private static string? PostgresUrlProblem(string url)
    {
        if (url.Contains("${file:", StringComparison.Ordinal))
        {
            return "holds a ${file:…}, which is read only as a whole value: put the password alone into that file and "
                + "name it as store.password, or put the whole URL into a file";
        }

        try
        {
            _ = PostgresUrl.Parse(new StoreConfig { PostgresUrl = new Secret(url) });
            return null;
        }
        catch (OperatorException e)
        {
            return WithoutKey(e);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            return "has a part that cannot be used; expected postgres://user:password@host:5432/database";
        }
    }
}
