using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

/// <summary>A server that asks everybody but its superuser for a password, which changes.</summary>
public sealed class StorePasswordTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private PostgresServer _server = null!;
    private string _at = "";

    public async ValueTask InitializeAsync() =>
        (_server, _at) = await PostgresServer.StartAskingAsync("first");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    void IDisposable.Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_password_in_a_file_is_read_again_for_each_new_connection(bool isUrlInFile)
    {
        var file = _folder.File("secret");
        string Content(string password) => isUrlInFile ? $"postgres://app:{password}@{_at}" : password;
        await File.WriteAllTextAsync(file, Content("first") + "\n");
        await using var store = await TestStore.OpenAsync(new StoreConfig
        {
            PostgresUrl = new Secret($"postgres://app:first@{_at}"),
            UrlFile = isUrlInFile ? file : null,
            Password = isUrlInFile ? null : new Secret("first"),
            PasswordFile = isUrlInFile ? null : file,
        });

        await ChangeAsync("second");
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => UseAsync(store));
        Assert.Contains("password authentication failed for user \"app\"", refused.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, Content("second") + "\n");
        await UseAsync(store);

        await ChangeAsync("third");
        File.Delete(file);
        var absent = await Assert.ThrowsAsync<StoreUnavailableException>(() => UseAsync(store));
        Assert.StartsWith(
            $"store.{(isUrlInFile ? "postgres_url" : "password")}: Could not find file '{file}'",
            absent.Message,
            StringComparison.Ordinal);
        Assert.Equal(absent.Message, await store.Database.ObstacleAsync());

        // As a writer leaves it for a moment.
        await File.WriteAllTextAsync(file, "");
        Assert.Contains($"{file} is empty", await store.Database.ObstacleAsync(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, Content("third"));
        await UseAsync(store);
    }

    [Fact]
    public async Task Each_new_connection_asks_the_cloud_for_its_token()
    {
        var asked = new List<string>();
        var token = "first";
        await using var store = await TestStore.OpenAsync(
            new StoreConfig { PostgresUrl = new Secret($"postgres://app@{_at}"), Auth = StoreAuth.AwsIam },
            token: (server, user, _) =>
            {
                lock (asked)
                {
                    asked.Add($"{user}@{server}");
                }

                return ValueTask.FromResult(token);
            });
        token = "second";
        await ChangeAsync(token);
        await UseAsync(store);
        await using var beside = await store.Database.OpenSessionAsync("beside", CancellationToken.None);
        lock (asked)
        {
            Assert.True(asked.Count >= 3, $"{asked.Count} times");
            Assert.All(asked, who => Assert.StartsWith(who + "/", "app@" + _at, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Without_a_token_boot_says_whose_is_missing()
    {
        var failure = await Assert.ThrowsAsync<OperatorException>(() => TestStore.OpenAsync(
            new StoreConfig { PostgresUrl = new Secret($"postgres://app@{_at}"), Auth = StoreAuth.Entra },
            token: (_, _, _) => throw new InvalidOperationException("the identity has no role")));
        Assert.Contains(
            "could not connect to Postgres: store.auth: the identity has no role",
            failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_does_not_come_is_named_while_the_gateway_runs()
    {
        var isSilent = false;
        await using var store = await TestStore.OpenAsync(
            new StoreConfig { PostgresUrl = new Secret($"postgres://app@{_at}"), Auth = StoreAuth.GoogleIam },
            token: async (_, _, cancellation) =>
            {
                // Not every library heeds it: nor does this.
                await Task.Delay(isSilent ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, CancellationToken.None);
                return "first";
            });
        await UseAsync(store);
        isSilent = true;
        await DropAsync();

        Assert.Equal(
            "no answer within 2 s (store.auth: google_iam has not given a token yet)",
            await store.Database.ObstacleAsync());

        isSilent = false;
        await UseAsync(store);
    }

    private static Task<int> UseAsync(TestStore store) =>
        store.Database.FirstAsync("SELECT 1", static row => row.GetInt32(0));

    private async Task ChangeAsync(string password)
    {
        await _server.ExecuteAsync($"ALTER ROLE app PASSWORD '{password}'");
        await DropAsync();
    }

    private Task DropAsync() =>
        _server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
}
