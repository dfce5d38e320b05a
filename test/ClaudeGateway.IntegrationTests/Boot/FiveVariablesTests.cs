using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Boot;

/// <summary>
/// What the user of a container tries first: five variables and a published port, in an environment that is empty
/// otherwise. The platform is an EC2 instance, which says its region and gives a role.
/// </summary>
public sealed class FiveVariablesTests : IAsyncLifetime
{
    private const string Region = "us-west-2";

    private const string Role =
        """{"Code":"Success","AccessKeyId":"ASIAINSTANCE","SecretAccessKey":"secret","Token":"TOKEN","Expiration":"2099-01-01T00:00:00Z"}""";

    private const string Ask =
        """{"model":"claude-sonnet-4-6","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeServer _model = new(AnswerAsync);
    private readonly FakeServer _instance = new(e => e.RespondAsync(200, e.Request.Path switch
    {
        "/latest/api/token" => "IMDS",
        "/latest/meta-data/placement/region" => Region,
        "/latest/meta-data/iam/security-credentials/" => "gateway",
        _ => Role,
    }));
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private string _database = null!;

    public async ValueTask InitializeAsync() => _database = await PostgresServer.NewDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _instance.DisposeAsync();
        await _model.DisposeAsync();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task They_lead_from_a_start_through_a_sign_in_to_a_streamed_answer()
    {
        await using var gateway = Start();
        var origin = await OriginAsync(gateway);

        var bearer = await SignInAsync(origin);
        Assert.Equal($"{origin}/oauth/callback", _idp.AuthorizeRequests.Single().Query["redirect_uri"]);
        using var answer = await SendAsync(HttpMethod.Post, $"{origin}/v1/messages", null, bearer, Json(Ask));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        var events = await answer.Content.ReadAsStringAsync();
        Assert.Contains("Hello from the container", events, StringComparison.Ordinal);
        Assert.EndsWith("data: {\"type\":\"message_stop\"}\n\n", events, StringComparison.Ordinal);

        // With the region and the role that the instance told.
        var asked = _model.Requests.Single();
        Assert.StartsWith("/model/us.anthropic.claude-sonnet-4-6", asked.Path, StringComparison.Ordinal);
        Assert.Contains("Credential=ASIAINSTANCE/", asked.Header("authorization"), StringComparison.Ordinal);
        Assert.Contains($"/{Region}/bedrock/aws4_request", asked.Header("authorization"), StringComparison.Ordinal);
        await gateway.Errors.LineAsync(
            $"upstream 'bedrock': AWS region {Region}, from the EC2 instance metadata service");

        Assert.Contains(
            "To bring your own, set GATEWAY_JWT_SECRET",
            await gateway.Errors.LineAsync("session secret:"),
            StringComparison.Ordinal);
        await gateway.Errors.LineAsync("PUBLIC_URL is not set");
        var secret = await KeptAsync("secret");
        Assert.DoesNotContain(
            gateway.Errors.Lines.Concat(gateway.Output.Lines), line => line.Contains(secret, StringComparison.Ordinal));
        Assert.Equal(0, await gateway.StopAsync());
    }

    [Fact]
    public async Task Replicas_and_later_starts_know_the_bearers_of_one_another()
    {
        await using var one = Start();
        await using var two = Start();
        var (first, second) = (await OriginAsync(one), await OriginAsync(two));
        var bearer = await SignInAsync(first);
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(second, bearer));
        Assert.Equal("1", await KeptAsync("count(*)"));

        await one.HangUpAsync();
        await one.Errors.LineAsync("nothing is reloaded");
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(first, bearer));

        Assert.Equal(0, await one.StopAsync());
        Assert.Equal(0, await two.StopAsync());
        await using var later = Start();
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(await OriginAsync(later), bearer));
    }

    [Fact]
    public async Task A_secret_of_ones_own_ends_the_sessions_of_the_kept_one()
    {
        string bearer;
        await using (var gateway = Start())
        {
            bearer = await SignInAsync(await OriginAsync(gateway));
        }

        await using var own = Start(("GATEWAY_JWT_SECRET", TestConfig.JwtSecret));
        var origin = await OriginAsync(own);
        Assert.Equal(HttpStatusCode.Unauthorized, await ModelsAsync(origin, bearer));
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(origin, await SignInAsync(origin)));
        Assert.DoesNotContain(own.Errors.Lines, line => line.Contains("session secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_the_names_of_the_own_machine_are_served_and_others_are_told_what_to_set()
    {
        await using var gateway = Start();
        var origin = await OriginAsync(gateway);
        var port = new Uri(origin).Port;
        const string Discovery = "/.well-known/oauth-authorization-server";
        string[] ours = [$"localhost:{port}", $"127.0.0.1:{port}", "127.3.2.1:8443", "[::1]:9", "gw.localhost"];
        foreach (var own in ours)
        {
            using var metadata = await SendAsync(HttpMethod.Get, origin + Discovery, own);
            Assert.Equal(HttpStatusCode.OK, metadata.StatusCode);
            using var json = JsonDocument.Parse(await metadata.Content.ReadAsStringAsync());
            Assert.Equal($"http://{own}", json.RootElement.GetProperty("issuer").GetString());
        }

        string[] others = ["gw.example.com", $"192.0.2.7:{port}", "localhost.example.com", "127.0.0.1.nip.io"];
        foreach (var other in others)
        {
            using var metadata = await SendAsync(HttpMethod.Get, origin + Discovery, other);
            Assert.Equal(HttpStatusCode.MisdirectedRequest, metadata.StatusCode);
        }

        using var page = await SendAsync(HttpMethod.Get, $"{origin}/device", "gw.example.com", accept: "text/html,*/*");
        Assert.Equal(HttpStatusCode.MisdirectedRequest, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.Contains(
            "PUBLIC_URL=https://gw.example.com", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var call = await SendAsync(HttpMethod.Post, $"{origin}/v1/messages", "gw.example.com", "x", Json(Ask));
        Assert.Equal(HttpStatusCode.MisdirectedRequest, call.StatusCode);
        using var error = JsonDocument.Parse(await call.Content.ReadAsStringAsync());
        Assert.Contains(
            "set PUBLIC_URL", error.RootElement.GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal);

        foreach (var probe in new[] { "/healthz", "/readyz" })
        {
            using var health = await SendAsync(HttpMethod.Get, origin + probe, "10.1.2.3:8080");
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }

        await gateway.Errors.LineAsync("under another name than localhost was refused");
    }

    [Fact]
    public async Task With_a_public_url_every_name_is_served()
    {
        await using var gateway = Start(("PUBLIC_URL", "https://gw.example.com"));
        using var metadata = await SendAsync(
            HttpMethod.Get,
            await OriginAsync(gateway) + "/.well-known/oauth-authorization-server",
            "10.1.2.3:8080");
        Assert.Equal(HttpStatusCode.OK, metadata.StatusCode);
        Assert.Contains(
            "https://gw.example.com/oauth/token", await metadata.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_knows_the_region_the_start_ends_with_all_that_was_asked()
    {
        await using var gateway = Start(("AWS_EC2_METADATA_DISABLED", "true"));
        Assert.Equal(1, await gateway.ExitCodeAsync());
        var last = gateway.Errors.Lines[^1];
        Assert.StartsWith("claude gateway: AWS_REGION (upstreams[0].region)", last, StringComparison.Ordinal);
        Assert.Contains("metadata service (is turned off)", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_and_check_take_the_same_variables()
    {
        await using var doctor = Start([], "doctor");
        Assert.Equal(0, await doctor.ExitCodeAsync());
        Assert.Contains(
            $"/{Region}/bedrock/aws4_request", _model.Requests.Single().Header("authorization"),
            StringComparison.Ordinal);

        await using var nowhere = Start([("AWS_EC2_METADATA_DISABLED", "true")], "doctor");
        Assert.Equal(1, await nowhere.ExitCodeAsync());
        await nowhere.Output.LineAsync("FAIL  upstreams: AWS_REGION");
        await nowhere.Output.LineAsync("ok    store");

        await using var check = Start([], "check");
        Assert.Equal(0, await check.ExitCodeAsync());
        await check.Errors.LineAsync("the cloud's metadata service is asked for it when the gateway starts");
    }

    /// <summary>Answers as Bedrock does; an empty conversation, which the doctor sends, is a bad request.</summary>
    private static async Task AnswerAsync(FakeExchange exchange)
    {
        if (!exchange.Request.Path.EndsWith("/invoke-with-response-stream", StringComparison.Ordinal))
        {
            await exchange.RespondJsonAsync(400, new { message = "messages: at least one message is required" });
            return;
        }

        await exchange.StartAsync(200, ("content-type", "application/vnd.amazon.eventstream"));
        foreach (var json in new[]
        {
            """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}""",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
            """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello from the container"}}""",
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}""",
            """{"type":"message_stop"}""",
        })
        {
            await exchange.WriteAsync(EventStreamFrames.Chunk(json));
        }

        await exchange.EndAsync();
    }

    private GatewayProcess Start(params (string Name, string Value)[] more) => Start(more, []);

    private GatewayProcess Start((string Name, string Value)[] more, params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["OIDC_CLIENT_ID"] = FakeIdentityProvider.ClientId,
            ["OIDC_CLIENT_SECRET"] = FakeIdentityProvider.ClientSecret,
            ["OIDC_ISSUER_URL"] = _idp.Issuer,
            ["UPSTREAM_PROVIDER"] = "bedrock",
            ["DATABASE_URL"] = _database,

            // Where the test has what the world has elsewhere: the identity provider and the model on this machine, the
            // metadata service under another address, a port that is free, and no files of whoever runs the test.
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
            ["ANTHROPIC_BEDROCK_BASE_URL"] = _model.Url.ToString(),
            ["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = _instance.Url.ToString(),
            ["PORT"] = "0",
            ["HOME"] = _folder.Path,
        };
        foreach (var (name, value) in more)
        {
            environment[name] = value;
        }

        return GatewayProcess.Start(_folder.Path, environment, arguments);
    }

    /// <summary>As the browser of whoever published the port has it.</summary>
    private static async Task<string> OriginAsync(GatewayProcess gateway)
    {
        var line = await gateway.Errors.LineAsync("listening on ");
        return string.Create(CultureInfo.InvariantCulture, $"http://localhost:{new Uri(line.Split(' ')[^1]).Port}");
    }

    private async Task<string> SignInAsync(string origin)
    {
        using var begun = await SendAsync(HttpMethod.Post, $"{origin}/oauth/device_authorization");
        using var device = JsonDocument.Parse(await begun.Content.ReadAsStringAsync());
        var code = device.RootElement.GetProperty("user_code").GetString()!;
        Assert.Equal($"{origin}/device", device.RootElement.GetProperty("verification_uri").GetString());

        using var browser = new BrowserClient();
        await browser.GetAsync(new Uri($"{origin}/device?user_code={code}"));
        var page = await browser.PostFormAsync(new Uri($"{origin}/device"), ("user_code", code));
        Assert.Equal(HttpStatusCode.OK, page.Status);

        using var polled = await SendAsync(
            HttpMethod.Post,
            $"{origin}/oauth/token",
            content: new FormUrlEncodedContent(
                new Dictionary<string, string>
                {
                    ["grant_type"] = "urn:ietf:params:oauth:grant-type:device_code",
                    ["device_code"] = device.RootElement.GetProperty("device_code").GetString()!,
                }));
        using var token = JsonDocument.Parse(await polled.Content.ReadAsStringAsync());
        return token.RootElement.GetProperty("access_token").GetString()!;
    }

    private async Task<HttpStatusCode> ModelsAsync(string origin, string bearer)
    {
        using var answer = await SendAsync(HttpMethod.Get, $"{origin}/v1/models", null, bearer);
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string url,
        string? host = null,
        string? bearer = null,
        HttpContent? content = null,
        string? accept = null)
    {
        using var request = new HttpRequestMessage(method, url) { Content = content };
        request.Headers.Host = host;
        if (bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bearer}");
        }

        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        return await _http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>Of the row of the kept secret, as text.</summary>
    private async Task<string> KeptAsync(string column)
    {
        var url = new Uri(_database);
        await using var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={url.Port};Username=postgres;Database={url.AbsolutePath[1..]};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statement is the test's own.
        command.CommandText = $"SELECT ({column})::text FROM gw_session_secret";
#pragma warning restore CA2100
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
