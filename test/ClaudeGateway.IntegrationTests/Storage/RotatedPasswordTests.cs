using System.Net;
using System.Text.Json;
using ClaudeGateway.Cli.Doctor;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Storage;

/// <summary>A whole gateway whose password of the database changes while it runs.</summary>
public sealed class RotatedPasswordTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private PostgresServer _server = null!;
    private string _at = "";

    public async ValueTask InitializeAsync() =>
        (_server, _at) = await PostgresServer.StartAskingAsync("sekrit-1");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    void IDisposable.Dispose() => _folder.Dispose();

    [Fact]
    public async Task Rotating_the_file_of_the_password_takes_neither_a_restart_nor_a_reload()
    {
        var file = _folder.File("password");
        await File.WriteAllTextAsync(file, "sekrit-1\n");
        await using var gateway = await GatewayHost.StartAsync(Config(new StoreConfig
        {
            PostgresUrl = new Secret($"postgres://app@{_at}"),
            Password = new Secret("sekrit-1"),
            PasswordFile = file,
        }));
        await gateway.SignInAsync();
        await gateway.Log.LineCountAsync("hearing of other replicas (1 in all)", 1);

        await _server.ExecuteAsync("ALTER ROLE app PASSWORD 'sekrit-2'");
        await DropAsync();
        Assert.Equal("store unavailable", await ReadyAsync(gateway));
        await gateway.Log.LineAsync("store: password authentication failed for user");
        await File.WriteAllTextAsync(file, "sekrit-2\n");

        Assert.Equal("ready", await UntilReadyAsync(gateway));
        await gateway.SignInAsync();
        // The connection that listens, too.
        await gateway.Log.LineCountAsync("hearing of other replicas (1 in all)", 2);
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("sekrit", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reload_after_the_rotation_asks_for_no_restart(bool isUrlInFile)
    {
        var file = _folder.File("secret");
        string Content(string password) => isUrlInFile ? $"postgres://app:{password}@{_at}" : password;
        await File.WriteAllTextAsync(file, Content("sekrit-1"));
        var yaml = _folder.File("gateway.yaml");
        await File.WriteAllTextAsync(yaml, JsonSerializer.Serialize(new
        {
            listen = new { host = "127.0.0.1", port = 0 },
            oidc = new
            {
                issuer = _idp.Issuer,
                client_id = FakeIdentityProvider.ClientId,
                client_secret = FakeIdentityProvider.ClientSecret,
            },
            session = new { jwt_secret = TestConfig.JwtSecret },
            store = isUrlInFile
                ? (object)new { postgres_url = $"${{file:{file}}}" }
                : new { postgres_url = $"postgres://app@{_at}", password = $"${{file:{file}}}" },
            upstreams = new[]
            {
                new { provider = "anthropic", base_url = _upstream.Url, auth = new { api_key = "k" } },
            },
        }));
        var environment = new ProcessEnvironment(new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
        });
        var first = GatewayConfigReader.Read(yaml, environment);
        await using var gateway = await GatewayHost.StartAsync(first.Config!);
        using var captured = new CapturedLog();
        using var lines = new StderrLines(captured);
        var log = new OperationalLog(lines, TimeProvider.System, LogLevel.Info);
        using var reload = new ConfigReload(gateway.App, first, null, environment, TimeProvider.System, log);

        await _server.ExecuteAsync("ALTER ROLE app PASSWORD 'sekrit-2'");
        await File.WriteAllTextAsync(file, Content("sekrit-2"));
        Assert.True(await reload.ReloadAsync(CancellationToken.None));
        await DropAsync();
        await gateway.SignInAsync();

        await captured.LineAsync("is in force");
        Assert.DoesNotContain(captured.Lines, line => line.Contains("restart", StringComparison.Ordinal));
        Assert.DoesNotContain(captured.Lines, line => line.Contains("sekrit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_new_connection_is_opened_with_a_token_that_holds_when_it_is_opened()
    {
        var token = "sekrit-1";
        // So close to its end that it is good for one connection.
        await using var google = new FakeServer(e => e.RespondJsonAsync(
            200, new { access_token = Volatile.Read(ref token), token_type = "Bearer", expires_in = 20 }));
        var environment = await GoogleAsync(google);
        await using var gateway = await GatewayHost.StartAsync(Config(IamStore()), environment: environment);
        await gateway.SignInAsync();
        await gateway.Log.LineAsync("hearing of other replicas (1 in all)");
        var asked = google.Requests.Count;

        // The cloud gives another one, and the database takes the old one no more.
        await _server.ExecuteAsync("ALTER ROLE app PASSWORD 'sekrit-2'");
        Volatile.Write(ref token, "sekrit-2");
        await DropAsync();

        await gateway.SignInAsync();
        await gateway.Log.LineCountAsync("hearing of other replicas (1 in all)", 2);
        // One of the pool's and the one that listens, at least.
        Assert.True(google.Requests.Count >= asked + 2, $"{asked}, then {google.Requests.Count}");
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("sekrit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cloud_that_refuses_stops_the_boot_in_its_own_words()
    {
        await using var google = new FakeServer(e => e.RespondJsonAsync(
            400, new { error = "invalid_grant", error_description = "Invalid JWT Signature." }));
        var environment = await GoogleAsync(google);

        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => GatewayHost.StartAsync(Config(IamStore()), environment: environment));

        Assert.StartsWith("could not connect to Postgres: store.auth: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Invalid JWT Signature.", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cloud_that_keeps_silent_is_waited_for_as_long_as_a_connection_may_take()
    {
        await using var google = new FakeServer(e => e.StallAsync());
        var finding = await StoreFindingAsync(
            IamStore() with { ConnectTimeout = TimeSpan.FromSeconds(1) }, await GoogleAsync(google));

        Assert.False(finding.IsWell);
        Assert.Equal("store.auth: google_iam has not given a token yet", finding.Text);
    }

    [Fact]
    public async Task Doctor_signs_in_as_the_gateway_does_and_says_with_what()
    {
        var file = _folder.File("password");
        await File.WriteAllTextAsync(file, "sekrit-1\n");
        var inFile = await StoreFindingAsync(
            new StoreConfig
            {
                PostgresUrl = new Secret($"postgres://app@{_at}"),
                Password = new Secret("sekrit-1"),
                PasswordFile = file,
            },
            []);
        await using var google = new FakeServer(e => e.RespondJsonAsync(
            200, new { access_token = "sekrit-1", token_type = "Bearer", expires_in = 3600 }));
        var inCloud = await StoreFindingAsync(IamStore(), await GoogleAsync(google));

        Assert.True(inFile.IsWell, inFile.Text);
        Assert.Contains(
            $"as app with the password in {file}, read for each connection; tables can be created",
            inFile.Text,
            StringComparison.Ordinal);
        Assert.True(inCloud.IsWell, inCloud.Text);
        Assert.Contains(
            "as app with a token of google_iam (store.auth); tables can be created",
            inCloud.Text,
            StringComparison.Ordinal);
    }

    private StoreConfig IamStore() => new()
    {
        PostgresUrl = new Secret($"postgres://app@{_at}"),
        Auth = StoreAuth.GoogleIam,
    };

    private GatewayConfig Config(StoreConfig store) => TestConfig.Create(_idp, [_upstream]) with { Store = store };

    private async Task<Dictionary<string, string>> GoogleAsync(FakeServer google)
    {
        var file = _folder.File("key.json");
        await GoogleServiceAccount.WriteAsync(file, new Uri(google.Url, "token"));
        return new Dictionary<string, string>
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            ["GOOGLE_APPLICATION_CREDENTIALS"] = file,
        };
    }

    private async Task<Finding> StoreFindingAsync(StoreConfig store, Dictionary<string, string> environment)
    {
        using var captured = new CapturedLog();
        using var lines = new StderrLines(captured);
        environment["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1";
        var findings = await DoctorCommand.ExamineAsync(
            Config(store),
            [],
            new ProcessEnvironment(environment),
            TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Info),
            CancellationToken.None);
        return findings.Single(finding => finding.Subject == "store");
    }

    private Task DropAsync() =>
        _server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");

    private static async Task<string> ReadyAsync(GatewayHost gateway)
    {
        using var answer = await gateway.GetAsync("/readyz");
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>Each question is a round trip to the store; an answer may be a tenth of a second old.</summary>
    private static async Task<string> UntilReadyAsync(GatewayHost gateway)
    {
        using var limit = new CancellationTokenSource(Signal.Timeout);
        while (true)
        {
            using var answer = await gateway.GetAsync("/readyz");
            if (answer.StatusCode == HttpStatusCode.OK || limit.IsCancellationRequested)
            {
                return await answer.Content.ReadAsStringAsync();
            }
        }
    }
}
