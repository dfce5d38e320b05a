using ClaudeGateway.Config;
using ClaudeGateway.Testing;

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
        var unknown = await Assert.ThrowsAsync<BootException>(() => OpenAsync(url, "sslmode=verify-full", authority: null));
        Assert.Contains("could not connect to Postgres: TLS failed: the database's certificate comes from no authority this machine trusts", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("NODE_EXTRA_CA_CERTS", unknown.Message, StringComparison.Ordinal);
        var wrong = await Assert.ThrowsAsync<BootException>(() => OpenAsync(url, "sslmode=verify-full", _elsewhere));
        Assert.Contains("TLS failed: the database's certificate is not for the host localhost (it names db.example.com)", wrong.Message, StringComparison.Ordinal);
        // The authority alone.
        await using var store = await OpenAsync(url, "sslmode=verify-ca", _elsewhere);
        Assert.Equal("on", await store.Database.FirstAsync("SELECT CASE WHEN ssl THEN 'on' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()", row => row.GetString(0)));
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

        await Assert.ThrowsAsync<BootException>(() => OpenAsync(url, $"sslmode=verify-full&sslrootcert={AuthorityFile(_elsewhere)}", authority: null));
        var missing = await Assert.ThrowsAsync<BootException>(() => OpenAsync(url, $"sslmode=verify-full&sslrootcert={_folder.File("none.pem")}", authority: null));
        Assert.Contains("store.postgres_url: sslrootcert", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_verification_any_certificate_will_do()
    {
        await using var server = await PostgresServer.StartAsync(_elsewhere);
        await using var store = await OpenAsync(await server.CreateDatabaseAsync(), "sslmode=require", authority: null);
        Assert.Null(await store.Database.ObstacleAsync());
    }

    private Task<TestStore> OpenAsync(string url, string parameters, CertificateFiles? authority)
    {
        var environment = authority is null ? new Dictionary<string, string>() : new() { ["NODE_EXTRA_CA_CERTS"] = AuthorityFile(authority) };
        var named = new UriBuilder(url) { Host = "localhost" }.Uri;
        return TestStore.OpenAsync(new StoreConfig { PostgresUrl = new Secret($"{named}?{parameters}") }, environment: environment);
    }

    private string AuthorityFile(CertificateFiles files)
    {
        var path = _folder.File(files == _right ? "right.pem" : "elsewhere.pem");
        File.WriteAllText(path, files.AuthorityPem);
        return path;
    }
}
