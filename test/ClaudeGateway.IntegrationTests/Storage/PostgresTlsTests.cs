using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class PostgresTlsTests : IDisposable
{
    private readonly CertificateFiles _right = new("localhost");
    private readonly CertificateFiles _elsewhere = new("db.example.com");
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _right.Dispose();
        _elsewhere.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_unknown_authority_and_a_wrong_name_are_told_apart()
    {
        await using var server = await PostgresServer.StartAsync(_elsewhere);
        var url = await server.CreateDatabaseAsync();
        var unknown = await FailureAsync(url, "sslmode=verify-full", authority: null);
        Assert.Contains("could not connect to Postgres: TLS failed: ", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("comes from no authority this machine trusts", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("NODE_EXTRA_CA_CERTS", unknown.Message, StringComparison.Ordinal);
        const string otherName = "the database's certificate is not for the host localhost (it names db.example.com)";
        var wrong = await FailureAsync(url, "sslmode=verify-full", _elsewhere);
        Assert.Contains(otherName, wrong.Message, StringComparison.Ordinal);
        // The authority alone.
        await using var store = await OpenAsync(url, "sslmode=verify-ca", _elsewhere);
        const string isEncrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Assert.True(await store.Database.FirstAsync(isEncrypted, row => row.GetBoolean(0)));
    }

    [Fact]
    public async Task An_authority_counts_whether_the_URL_names_it_or_the_environment()
    {
        await using var server = await PostgresServer.StartAsync(_right);
        var url = await server.CreateDatabaseAsync();
        await using (await OpenAsync(url, "sslmode=verify-full", _right))
        {
        }

        await using (await OpenAsync(url, $"sslmode=verify-full&sslrootcert={AuthorityFile(_right)}", authority: null))
        {
        }

        // As for every other connection the extra authorities count beside the named ones.
        await using (await OpenAsync(url, $"sslmode=verify-full&sslrootcert={AuthorityFile(_elsewhere)}", _right))
        {
        }

        await FailureAsync(url, $"sslmode=verify-full&sslrootcert={AuthorityFile(_elsewhere)}", authority: null);
        var nowhere = _folder.File("none.pem");
        var missing = await FailureAsync(url, $"sslmode=verify-full&sslrootcert={nowhere}", authority: null);
        Assert.Contains("store.postgres_url: sslrootcert", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_beside_the_pool_is_verified_too()
    {
        await using var server = await PostgresServer.StartAsync(_right);
        await using var store = await OpenAsync(await server.CreateDatabaseAsync(), "sslmode=verify-full", _right);
        await using var pooled = (NpgsqlConnection)await store.Database.OpenConnectionAsync(CancellationToken.None);
        // As the channel of replicas clones one, but to a name the certificate does not hold.
        var settings = new NpgsqlConnectionStringBuilder(pooled.ConnectionString)
        {
            Host = "127.0.0.1",
            Pooling = false,
        };
        await using var clone = await pooled.CloneWithAsync(settings.ToString());
        var failure = await Assert.ThrowsAsync<NpgsqlException>(() => clone.OpenAsync());
        Assert.Contains("is not for the host", StoreErrors.Describe(failure), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_verification_any_certificate_will_do()
    {
        await using var server = await PostgresServer.StartAsync(_elsewhere);
        await using var store = await OpenAsync(await server.CreateDatabaseAsync(), "sslmode=require", authority: null);
        Assert.Null(await store.Database.ObstacleAsync());
    }

    [Fact]
    public async Task Where_channel_binding_is_required_a_server_that_proves_nothing_is_refused()
    {
        const string required = "sslmode=require&channel_binding=require";
        await using var server = await PostgresServer.StartAsync(_right);
        var url = await server.CreateDatabaseAsync();
        await server.ExecuteAsync("CREATE ROLE app SUPERUSER LOGIN PASSWORD 'sekrit'");
        await server.AskForPasswordsAsync();

        var trusted = await FailureAsync(url, required, authority: null);
        Assert.Contains("authenticat", trusted.Message, StringComparison.Ordinal);
        var unbound = "user=app&password=sekrit&sslmode=disable&channel_binding=require";
        await FailureAsync(url, unbound, authority: null);

        await using var store = await OpenAsync(url, $"user=app&password=sekrit&{required}", authority: null);
        Assert.Null(await store.Database.ObstacleAsync());
    }

    private Task<OperatorException> FailureAsync(string url, string parameters, CertificateFiles? authority) =>
        Assert.ThrowsAsync<OperatorException>(() => OpenAsync(url, parameters, authority));

    private Task<TestStore> OpenAsync(string url, string parameters, CertificateFiles? authority)
    {
        var environment = new Dictionary<string, string>();
        if (authority is not null)
        {
            environment["NODE_EXTRA_CA_CERTS"] = AuthorityFile(authority);
        }

        var named = new UriBuilder(url) { Host = "localhost" }.Uri;
        var config = new StoreConfig { PostgresUrl = new Secret($"{named}?{parameters}") };
        return TestStore.OpenAsync(config, environment: environment);
    }

    private string AuthorityFile(CertificateFiles files)
    {
        var path = _folder.File(files == _right ? "right.pem" : "elsewhere.pem");
        File.WriteAllText(path, files.AuthorityPem);
        return path;
    }
}
