using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using System.Text;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Reload;

/// <summary>A reload that meets what nobody foresaw costs nothing but itself, in the process as it is run.</summary>
public sealed class ReloadFailureTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task After_a_reload_that_the_store_forbids_the_next_one_is_obeyed_and_the_stop_drains()
    {
        var store = await DatabaseWithoutRightsAsync();
        Write(store, "sonnet", withAdmin: false);
        await using var serve = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" },
            "serve",
            "--config",
            "gateway.yaml");
        var address = (await serve.Errors.LineAsync("listening on")).Split(' ')[^1];
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());

        Write(store, "opus", withAdmin: true);
        await serve.HangUpAsync();
        await serve.Errors.LineAsync("permission denied");
        await serve.Errors.LineAsync("was not put in force; the configuration that was in force stays");

        Write(store, "haiku", withAdmin: false);
        await serve.HangUpAsync();
        await serve.Errors.LineAsync("is in force");

        var (goOn, answer) = await BeginStreamAsync(http, new Uri(address));
        var stopped = serve.StopAsync();
        await serve.Errors.LineAsync("stopping: open requests");
        goOn.SetResult();

        Assert.EndsWith("the end", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await stopped);
    }

    [Fact]
    public async Task A_start_that_the_store_forbids_names_the_cause_on_one_line()
    {
        Write(await DatabaseWithoutRightsAsync(), "sonnet", withAdmin: true);
        await using var serve = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" },
            "serve",
            "--config",
            "gateway.yaml");

        Assert.Equal(1, await serve.ExitCodeAsync());
        Assert.Contains("permission denied for table gw_spend_limit", serve.Errors.Lines[^1], StringComparison.Ordinal);
    }

    /// <summary>An answer that has begun and does not end before the test says so.</summary>
    private async Task<(TaskCompletionSource GoOn, HttpResponseMessage Answer)> BeginStreamAsync(
        HttpMessageInvoker http, Uri gateway)
    {
        var goOn = new TaskCompletionSource();
        _upstream.Next(async exchange =>
        {
            await exchange.StartAsync(200, ("content-type", "text/event-stream"));
            await exchange.WriteAsync("event: ping\ndata: {}\n\n");
            await goOn.Task;
            await exchange.WriteAsync("the end");
            await exchange.EndAsync();
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway, "/v1/messages"))
        {
            Content = new StringContent(
                """{"model":"claude-sonnet-4-6","max_tokens":1,"stream":true,"messages":[]}""",
                Encoding.UTF8,
                "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Bearer());
        return (goOn, await http.SendAsync(request, CancellationToken.None));
    }

    private static string Bearer() =>
        new Sessions.SessionTokens(
            new Sessions.SessionSecrets([new Config.Secret(TestConfig.JwtSecret)]),
            null,
            TimeSpan.FromHours(1),
            TimeProvider.System)
            .Mint(new Sessions.Identity("alice", null, null, []), "session").Token;

    /// <summary>
    /// A migrated database, as a role that may do everything there except look at spend limits (SQLSTATE 42501).
    /// </summary>
    [SuppressMessage(
        "Security", "CA2100:Review SQL queries for security vulnerabilities",
        Justification = "The statements are the test's own.")]
    private static async Task<string> DatabaseWithoutRightsAsync()
    {
        var owner = new UriBuilder(await PostgresServer.NewMigratedDatabaseAsync());
        var role = owner.Path.Trim('/') + "_role";
        await using var source = NpgsqlDataSource.Create(
            $"Host={owner.Host};Port={owner.Port};Username=postgres;Database={owner.Path.Trim('/')};Pooling=false");
        await using var command = source.CreateCommand(
            $"create role {role} login; grant all on all tables in schema public to {role}; grant all on schema public "
                + $"to {role}; revoke all on gw_spend_limit from {role}");
        await command.ExecuteNonQueryAsync();
        owner.UserName = role;
        return owner.Uri.ToString();
    }

    private void Write(string store, string model, bool withAdmin) =>
        File.WriteAllText(_folder.File("gateway.yaml"), Yaml(store, model, withAdmin));

    private string Yaml(string store, string model, bool withAdmin) => $$"""
        listen: { host: 127.0.0.1, port: 0 }
        oidc: { issuer: "{{_idp.Issuer}}", client_id: gw, client_secret: s }
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { postgres_url: "{{store}}" }
        upstreams: [{ provider: anthropic, base_url: "{{_upstream.Url}}", auth: { api_key: k } }]
        managed: { policies: [{ cli: { model: {{model}} } }] }
        {{(withAdmin ? "admin: {}" : "")}}

        """;
}
