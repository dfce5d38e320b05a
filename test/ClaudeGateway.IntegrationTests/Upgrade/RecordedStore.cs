using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>What a gateway of an earlier schema had told its clients when its store was recorded.</summary>
internal sealed record RecordedState
{
    /// <summary>Of the gateway, which its bearers name as their issuer.</summary>
    public const string PublicUrl = "http://localhost:18080";

    /// <summary>Milliseconds since 1970.</summary>
    public required long At { get; init; }

    /// <summary>Numbers of the migrations that the store had.</summary>
    public required int[] Migrations { get; init; }

    public required string Bearer { get; init; }

    public required string RefreshToken { get; init; }

    /// <summary>Of a session that had been ended.</summary>
    public required string RevokedBearer { get; init; }

    /// <summary>Of a sign-in that nobody had confirmed yet.</summary>
    public required string PendingDeviceCode { get; init; }

    public required string PendingUserCode { get; init; }

    /// <summary>The list of spend limits; null before there were any.</summary>
    public JsonElement? Limits { get; init; }

    /// <summary>The audit trail of spend limits, newest first.</summary>
    public JsonElement? Trail { get; init; }

    /// <summary>Cents that the developer had spent this month.</summary>
    public decimal? Spent { get; init; }

    /// <summary>Machines by settings version; null before they were counted.</summary>
    public int? Machines { get; init; }
}

/// <summary>
/// A store as a program of an earlier schema left it, with the state of its clients: two files in Recorded/, named by
/// how many migrations the store had. <see cref="StoreRecorder"/> makes them.
/// </summary>
internal sealed class RecordedStore(int schema, bool isPostgres)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private static string Folder => Repository.File("test/ClaudeGateway.IntegrationTests/Upgrade/Recorded");

    private string Name => $"{schema:00}-{(isPostgres ? "postgres" : "sqlite")}";

    /// <summary>The schemas there are recordings of, oldest first.</summary>
    public static IEnumerable<int> Schemas(bool isPostgres) =>
        Directory.EnumerateFiles(Folder, $"*-{(isPostgres ? "postgres" : "sqlite")}.json")
            .Select(file => int.Parse(
                Path.GetFileName(file).Split('-')[0], System.Globalization.CultureInfo.InvariantCulture))
            .Order();

    public async Task<RecordedState> StateAsync()
    {
        await using var file = File.OpenRead(Path.Combine(Folder, Name + ".json"));
        return (await JsonSerializer.DeserializeAsync<RecordedState>(file, Json))!;
    }

    /// <summary>Puts it into a new database, or a new file.</summary>
    public async Task<StoreConfig> RestoreAsync(TemporaryFolder folder)
    {
        await using var packed = new GZipStream(
            File.OpenRead(Path.Combine(Folder, Name + ".gz")), CompressionMode.Decompress);
        if (!isPostgres)
        {
            var path = folder.File("gateway.db");
            await using var file = File.Create(path);
            await packed.CopyToAsync(file);
            return new StoreConfig { SqlitePath = path };
        }

        using var text = new StreamReader(packed);
        // What begins so is for psql alone.
        var statements = string.Join(
            '\n', (await text.ReadToEndAsync()).Split('\n').Where(line => !line.StartsWith('\\')));
        var store = new StoreConfig { PostgresUrl = new Secret(await PostgresServer.NewDatabaseAsync()) };
        await using var connection = new NpgsqlConnection(
            PostgresUrl.Parse(store).Settings.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
#pragma warning disable CA2100 // The statements are those of the recording.
        await using var command = new NpgsqlCommand(statements, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
        return store;
    }

    public async Task SaveAsync(RecordedState state, byte[] content)
    {
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(
            Path.Combine(Folder, Name + ".json"), JsonSerializer.Serialize(state, Json) + "\n");
        await using var packed = new GZipStream(
            File.Create(Path.Combine(Folder, Name + ".gz")), CompressionLevel.SmallestSize);
        await packed.WriteAsync(content);
    }
}
