using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Reload;

public sealed class ReloadTests : IAsyncLifetime
{
    private static readonly ProcessEnvironment Environment = new(new Dictionary<string, string>
    {
        ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
    });

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly CapturedLog _log = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("claude-gateway-reload-").FullName;
    private StderrLines _lines = null!;
    private JsonObject _file = null!;
    private GatewayHost _gateway = null!;
    private ConfigReload _reload = null!;

    public async ValueTask InitializeAsync()
    {
        _file = new JsonObject
        {
            ["listen"] = new JsonObject { ["host"] = "127.0.0.1", ["port"] = 0 },
            ["oidc"] = new JsonObject
            {
                ["issuer"] = _idp.Issuer,
                ["client_id"] = FakeIdentityProvider.ClientId,
                ["client_secret"] = FakeIdentityProvider.ClientSecret,
            },
            ["session"] = new JsonObject { ["jwt_secret"] = TestConfig.JwtSecret },
            ["store"] = new JsonObject { ["sqlite_path"] = Path.Combine(_folder, "gateway.db") },
            ["upstreams"] = new JsonArray(
                new JsonObject
                {
                    ["provider"] = "anthropic",
                    ["base_url"] = _upstream.Url.ToString(),
                    ["auth"] = new JsonObject { ["api_key"] = "k" }
                }),
            ["managed"] = Managed("sonnet"),
        };
        var first = Write();
        _gateway = await GatewayHost.StartAsync(first.Config!);
        _lines = new StderrLines(_log);
        _reload = new ConfigReload(
            _gateway.App,
            first,
            null,
            Environment,
            TimeProvider.System,
            new OperationalLog(_lines, TimeProvider.System, LogLevel.Info));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _reload.Dispose();
        _lines.Dispose();
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_changed_file_is_in_force_at_once_and_sessions_go_on()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        Assert.Equal("sonnet", await ModelAsync(bearer));
        _file["managed"] = Managed("opus");
        Write();

        Assert.True(await _reload.ReloadAsync(CancellationToken.None));

        Assert.Equal("opus", await ModelAsync(bearer));
        await _gateway.Log.AuditAsync("config.load", 2);
    }

    [Fact]
    public async Task A_wrong_file_is_refused_with_every_error_and_the_old_one_stays()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        _file["managed"] = Managed("opus");
        _file["sessions"] = new JsonObject();
        _file["login_notice"] = 5;
        Write();

        Assert.False(await _reload.ReloadAsync(CancellationToken.None));

        Assert.Equal("sonnet", await ModelAsync(bearer));
        await _log.LineAsync("did you mean 'session'?");
        await _log.LineAsync("login_notice: must be text");
        await _log.LineAsync("was not put in force");
    }

    [Fact]
    public async Task An_identity_provider_that_cannot_be_reached_refuses_the_reload()
    {
        _file["oidc"]!["issuer"] = "http://localhost:1";
        Write();

        Assert.False(await _reload.ReloadAsync(CancellationToken.None));
        using var health = await _gateway.GetAsync("/healthz");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task A_stream_that_has_begun_ends_with_the_configuration_it_began_with()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        var begun = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        _upstream.Next(async exchange =>
        {
            await exchange.StartAsync(200, [("content-type", "text/event-stream")]);
            var events = FakeUpstream.MessageEvents("claude-sonnet-4-6").ToList();
            await exchange.WriteAsync(events[0]);
            begun.SetResult();
            await goOn.Task;
            foreach (var rest in events.Skip(1))
            {
                await exchange.WriteAsync(rest);
            }

            await exchange.EndAsync();
        });
        using var response = await _gateway.SendMessageAsync(bearer, stream: true);
        await begun.Task;
        _file["upstreams"]![0]!["base_url"] = "http://localhost:1";
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));

        goOn.SetResult();

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var next = await _gateway.SendMessageAsync(bearer);
        Assert.Equal(HttpStatusCode.BadGateway, next.StatusCode);
    }

    [Fact]
    public async Task What_a_running_gateway_cannot_change_is_named_and_kept()
    {
        _file["listen"]!["port"] = 1;
        _file["store"]!["sqlite_path"] = "/nonexistent/elsewhere.db";
        _file["listen"]!["trusted_proxies"] = new JsonArray("10.0.0.0/8");
        Write();

        Assert.True(await _reload.ReloadAsync(CancellationToken.None));

        await _log.LineAsync("listen.port was changed but cannot change");
        await _log.LineAsync("store.sqlite_path was changed but cannot change");
        Assert.DoesNotContain(
            _log.Lines, line => line.Contains("trusted_proxies was changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_drain_delay_counts_at_the_next_stop()
    {
        _file["listen"]!["drain_delay_seconds"] = 7;
        Write();

        Assert.True(await _reload.ReloadAsync(CancellationToken.None));

        Assert.Equal(TimeSpan.FromSeconds(7), _gateway.App.DrainDelay);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("drain_delay_seconds", StringComparison.Ordinal));
        _file["listen"]!["drain_delay_seconds"] = 0;
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task After_a_reload_that_cannot_be_put_in_force_the_next_one_is()
    {
        var asked = System.Threading.Channels.Channel.CreateUnbounded<bool>();
        using var stop = new CancellationTokenSource();
        var reloads = _reload.RunAsync(asked.Reader, stop.Token);
        _file["managed"] = Managed("opus");
        _file["oidc"]!["google_groups"] = new JsonObject
        {
            ["service_account_json_path"] = Path.Combine(_folder, "none.json"),
            ["admin_email"] = "a@example.com",
        };
        Write();
        asked.Writer.TryWrite(true);
        await _log.LineAsync("was not put in force");

        _file["oidc"]!.AsObject().Remove("google_groups");
        Write();
        asked.Writer.TryWrite(true);
        await _log.LineAsync("is in force");

        await stop.CancelAsync();
        await reloads.WaitAsync(Signal.Timeout);
    }

    [Fact]
    public async Task A_reload_that_waits_for_the_identity_provider_ends_with_the_gateway()
    {
        var asked = System.Threading.Channels.Channel.CreateUnbounded<bool>();
        using var stop = new CancellationTokenSource();
        _file["oidc"]!["client_id"] = "another";
        Write();
        _idp.Script = exchange => exchange.StallAsync();
        var reloads = _reload.RunAsync(asked.Reader, stop.Token);
        var before = _idp.Requests.Count;
        asked.Writer.TryWrite(true);
        await _idp.Server.RequestCountAsync(before + 1);

        await stop.CancelAsync();

        // Sooner than the ten seconds the identity provider has for its answer.
        await reloads.WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_secret_is_replaced_without_signing_anybody_out()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        var added = new string('n', 40);
        _file["session"]!["jwt_secret"] = new JsonArray(added, TestConfig.JwtSecret);
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        Assert.Equal("sonnet", await ModelAsync(bearer));

        _file["session"]!["jwt_secret"] = added;
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        using var refused = await _gateway.GetAsync("/managed/settings", bearer);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task An_identity_provider_whose_section_is_unchanged_is_not_asked_again()
    {
        await _gateway.SignInAsync();
        _file["managed"] = Managed("opus");
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        await _gateway.SignInAsync();
        Assert.Equal((1, 1), (Asked("/.well-known/openid-configuration"), Asked("/jwks")));

        _file["oidc"]!["scopes"] = new JsonArray("openid", "email");
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        await _gateway.SignInAsync();
        Assert.Equal((2, 2), (Asked("/.well-known/openid-configuration"), Asked("/jwks")));
    }

    [Fact]
    public async Task An_identity_provider_that_is_away_hinders_no_reload_that_leaves_it_alone()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        _idp.Server.Refuse();
        for (var i = 0; i < 3; i++)
        {
            _file["managed"] = Managed($"model-{i}");
            Write();
            Assert.True(await _reload.ReloadAsync(CancellationToken.None));
            Assert.Equal($"model-{i}", await ModelAsync(bearer));
        }
    }

    [Fact]
    public async Task Connections_of_the_replaced_configuration_are_closed()
    {
        var bearer = (await _gateway.SignInAsync()).AccessToken;
        var closed = new TaskCompletionSource<Task>();
        _upstream.Next(async exchange =>
        {
            closed.SetResult(exchange.ClientGone);
            await exchange.RespondJsonAsync(200, new { type = "message" });
        });
        using (var response = await _gateway.SendMessageAsync(bearer))
        {
            await response.Content.ReadAsByteArrayAsync();
        }

        Assert.True(await _reload.ReloadAsync(CancellationToken.None));

        await (await closed.Task).WaitAsync(Signal.Timeout);
    }

    [Fact]
    public async Task Sign_in_limits_go_on_counting()
    {
        _file["rate_limits"] = new JsonObject
        {
            ["device_authorization"] = new JsonObject
            {
                ["max"] = 2,
                ["window_seconds"] = 600
            }
        };
        Write();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        await _gateway.AuthorizeDeviceAsync();
        Assert.True(await _reload.ReloadAsync(CancellationToken.None));
        await _gateway.AuthorizeDeviceAsync();

        using var response = await _gateway.PostFormAsync("/oauth/device_authorization");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
    }

    private int Asked(string path) => _idp.Requests.Count(request => request.Path == path);

    private static JsonObject Managed(string model) => new()
    {
        ["policies"] = new JsonArray(new JsonObject { ["cli"] = new JsonObject { ["model"] = model } }),
    };

    private async Task<string?> ModelAsync(string bearer)
    {
        using var response = await _gateway.GetAsync("/managed/settings", bearer);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["settings"]!["model"]!.GetValue<string>();
    }

    private ConfigReadResult Write()
    {
        var path = Path.Combine(_folder, "gateway.yaml");
        File.WriteAllText(path, _file.ToJsonString(), Encoding.UTF8);
        return GatewayConfigReader.Read(path, Environment);
    }
}
