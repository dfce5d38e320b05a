namespace ClaudeGateway.Config;

/// <summary>A cloud whose tokens the database takes as passwords.</summary>
internal enum StoreAuth
{
    AwsIam,
    GoogleIam,
    Entra,
}

/// <summary>The <c>store</c> section: PostgreSQL, or the embedded SQLite store for a single replica.</summary>
internal sealed record StoreConfig
{
    /// <summary>postgres:// or postgresql://; null selects the embedded store.</summary>
    public Secret? PostgresUrl { get; init; }

    /// <summary>Overrides the user of the URL.</summary>
    public string? Username { get; init; }

    /// <summary>Overrides the password of the URL.</summary>
    public Secret? Password { get; init; }

    /// <summary>
    /// The file that holds the whole URL (<c>${file:…}</c>); its password is read for each connection.
    /// </summary>
    public string? UrlFile { get; init; }

    /// <summary>The file that holds the password (<c>${file:…}</c>), read for each connection.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Whose tokens are the password; our own key. Null has a password, or none.</summary>
    public StoreAuth? Auth { get; init; }

    /// <summary>Null takes it from the server's name or the environment.</summary>
    public string? AwsRegion { get; init; }

    public int MaxConnections { get; init; } = 5;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long /readyz stays 200 after the first failed store check.</summary>
    public TimeSpan ReadinessGrace { get; init; } = TimeSpan.Zero;

    /// <summary>
    /// File of the embedded store; our own key. Null with a PostgreSQL URL, or for the default place.
    /// </summary>
    public string? SqlitePath { get; init; }
}
