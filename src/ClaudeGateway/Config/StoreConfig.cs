namespace ClaudeGateway.Config;

/// <summary>The <c>store</c> section: PostgreSQL, or the embedded SQLite store for a single replica.</summary>
internal sealed record StoreConfig
{
    /// <summary>postgres:// or postgresql://; null selects the embedded store.</summary>
    public Secret? PostgresUrl { get; init; }

    /// <summary>Overrides the user of the URL.</summary>
    public string? Username { get; init; }

    /// <summary>Overrides the password of the URL.</summary>
    public Secret? Password { get; init; }

    public int MaxConnections { get; init; } = 5;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long /readyz stays 200 after the first failed store check.</summary>
    public TimeSpan ReadinessGrace { get; init; } = TimeSpan.Zero;

    /// <summary>
    /// File of the embedded store; our own key. Null with a PostgreSQL URL, or for the default place.
    /// </summary>
    public string? SqlitePath { get; init; }
}
