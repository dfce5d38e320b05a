using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

/// <summary>A new, migrated store of either kind; every test of the storage suite runs on both.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    public const string Sqlite = "SQLite";
    public const string Postgres = "PostgreSQL";

    private readonly StderrLines _lines;

    private TestStore(Database database, StoreConfig config, StderrLines lines, CapturedLog captured)
    {
        Database = database;
        Config = config;
        _lines = lines;
        Captured = captured;
        Log = new OperationalLog(lines, TimeProvider.System, LogLevel.Debug);
    }

    public static TheoryData<string> Kinds => [Sqlite, Postgres];

    public Database Database { get; }

    public StoreConfig Config { get; }

    public CapturedLog Captured { get; }

    public OperationalLog Log { get; }

    public static async Task<TestStore> OpenAsync(string kind, TimeProvider? clock = null) =>
        await OpenAsync(await ConfigAsync(kind), clock);

    public static async Task<TestStore> OpenAsync(
        StoreConfig config,
        TimeProvider? clock = null,
        IReadOnlyDictionary<string, string>? environment = null,
        StoreToken? token = null)
    {
        var captured = new CapturedLog();
        var lines = new StderrLines(captured);
        try
        {
            var database = await Startup(config, lines, clock, environment, token).OpenAsync(CancellationToken.None);
            return new TestStore(database, config, lines, captured);
        }
        catch
        {
            lines.Dispose();
            throw;
        }
    }

    /// <summary>A store that is reached through a network that misbehaves.</summary>
    public static Task<TestStore> OpenThroughAsync(TcpRelay relay, Uri postgres) =>
        OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret(new UriBuilder(postgres) { Port = relay.Port }.ToString()),
        });

    /// <summary>Another replica on the same database.</summary>
    public Task<Database> AnotherPlainAsync() => Startup(Config, _lines).OpenAsync(CancellationToken.None);

    /// <summary>
    /// Without PostgreSQL on a developer's machine its half of the suite is skipped; CI must have it.
    /// </summary>
    public static async Task<StoreConfig> ConfigAsync(string kind)
    {
        if (kind == Sqlite)
        {
            return new StoreConfig
            {
                SqlitePath = Path.Combine(
                    Directory.CreateTempSubdirectory("claude-gateway-test-").FullName, "gateway.db"),
            };
        }

        try
        {
            return new StoreConfig { PostgresUrl = new Secret(await PostgresServer.NewDatabaseAsync()) };
        }
        catch (InvalidOperationException e)
            when (
                Environment.GetEnvironmentVariable("CI") is null
                && e.Message.Contains("no PostgreSQL found", StringComparison.Ordinal))
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _lines.Dispose();
        if (Config.SqlitePath is { } path)
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    private static StoreStartup Startup(
        StoreConfig store,
        StderrLines lines,
        TimeProvider? clock = null,
        IReadOnlyDictionary<string, string>? environment = null,
        StoreToken? token = null)
    {
        var config = new GatewayConfig
        {
            Path = "gateway.yaml",
            Sha256 = "",
            Listen = new ListenConfig(),
            Oidc = new OidcConfig
            {
                Issuer = new Uri("https://idp.example.com"),
                IssuerText = "https://idp.example.com",
                ClientId = "c",
            },
            Session = new SessionConfig { JwtSecrets = [] },
            Store = store,
            Upstreams = [],
        };
        return new StoreStartup(
            config,
            StoreTables.Migrations,
            new ProcessEnvironment(environment ?? new Dictionary<string, string>()),
            clock ?? TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Debug),
            token);
    }
}
