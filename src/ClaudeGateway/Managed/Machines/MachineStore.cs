using ClaudeGateway.Storage;

namespace ClaudeGateway.Managed.Machines;

/// <summary>How many machines run a settings version.</summary>
/// <param name="OldestSeen">When the one unseen for longest was last seen.</param>
/// <param name="NewestSeen">When the one seen most recently was.</param>
internal sealed record VersionCount(string Version, long Machines, DateTimeOffset OldestSeen,
    DateTimeOffset NewestSeen);

/// <summary>
/// One row for each machine of all replicas: its session, the version it runs, when it was seen. Nothing in it names a
/// person.
/// </summary>
internal sealed class MachineStore(Database database)
{
    /// <summary>The newer sighting wins, whichever replica writes last.</summary>
    private const string Write = """
        INSERT INTO gw_machine AS m (session_id, version, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at WHERE m.seen_at <
          excluded.seen_at
        """;

    /// <summary>One commit for all of them.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task WriteAsync(IReadOnlyCollection<KeyValuePair<string, Sighting>> sightings)
    {
        // In the order of keys, so that two replicas never wait for each other in a circle.
        var rows = sightings.OrderBy(sighting => sighting.Key, StringComparer.Ordinal)
            .Select(sighting => new object?[] { sighting.Key, sighting.Value.Version, sighting.Value.At }).ToList();
        return database.InRepeatableTransactionAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync(Write, rows);
            return true;
        });
    }

    /// <summary>The versions most machines ran that were seen since, at most <paramref name="limit"/>.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<VersionCount>> CountAsync(DateTimeOffset since, int limit) => database.AllAsync(
        "SELECT version, count(*), min(seen_at), max(seen_at) FROM gw_machine WHERE seen_at >= $1 GROUP BY version "
            + "ORDER BY count(*) DESC, version LIMIT $2",
        row => new VersionCount(row.GetString(0), row.GetInt64(1), Time(row.GetInt64(2)), Time(row.GetInt64(3))),
        since.ToUnixTimeMilliseconds(),
        limit);

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
