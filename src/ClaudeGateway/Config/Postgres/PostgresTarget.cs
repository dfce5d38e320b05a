using System.Globalization;
using Npgsql;

namespace ClaudeGateway.Config.Postgres;

/// <summary>What <c>store.postgres_url</c> asks for: servers, which of them will do, and how to connect.</summary>
/// <param name="Settings">What Npgsql takes, for the first of <paramref name="Hosts"/>.</param>
/// <param name="Hosts">In the order of the URL; at least one.</param>
internal sealed record PostgresTarget(
    NpgsqlConnectionStringBuilder Settings, IReadOnlyList<PostgresTarget.Server> Hosts)
{
    /// <summary><c>target_session_attrs</c>.</summary>
    public TargetSessionAttributes Session { get; init; }

    /// <summary><c>load_balance_hosts=random</c>.</summary>
    public bool IsRandomOrder { get; init; }

    public SocketOptions Sockets { get; init; } = new();

    /// <summary><c>connect_timeout</c>, for each host; null when it is not given.</summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <param name="Name">Host name, address or folder of a Unix socket.</param>
    internal sealed record Server(string Name, int Port)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}:{Port}");
    }

    /// <summary>What Npgsql cannot be told; zero leaves it to the system, as with libpq.</summary>
    internal sealed record SocketOptions
    {
        public bool KeepAlive { get; init; } = true;

        public int IdleSeconds { get; init; }

        public int IntervalSeconds { get; init; }

        public int Count { get; init; }

        public int UserTimeoutMilliseconds { get; init; }

        public bool AreUsual => this is
        {
            IdleSeconds: 0,
            IntervalSeconds: 0,
            Count: 0,
            UserTimeoutMilliseconds: 0,
        };
    }
}
