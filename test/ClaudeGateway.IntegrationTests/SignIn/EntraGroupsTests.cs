using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Cli.Doctor;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

/// <summary>People in more groups than Entra puts into a token.</summary>
public sealed class EntraGroupsTests : IAsyncDisposable
{
    private const string ObjectId = "11111111-2222-3333-4444-555555555555";
    private const string AdminKey = "admin-key-0123456789-0123456789-0123456789";
    private const string GroupType = "#microsoft.graph.group";

    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private readonly FakeServer _graph;

    private Func<FakeExchange, Task> _answer = exchange => exchange.RespondJsonAsync(200, Page(Group(1)));

    public EntraGroupsTests()
    {
        _graph = new FakeServer(exchange => _answer(exchange));
        _idp.User.Remove("groups");
        _idp.User["oid"] = ObjectId;
        _idp.User["_claim_names"] = new JsonObject { ["groups"] = "src1" };
        _idp.User["_claim_sources"] = new JsonObject
        {
            ["src1"] = new JsonObject { ["endpoint"] = "https://graph.windows.net/t/users/u/getMemberObjects" },
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _graph.DisposeAsync();
        await _idp.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Every_page_of_groups_is_read_at_a_sign_in_and_at_a_refresh_with_one_token_of_the_clients_own()
    {
        _answer = exchange => exchange.Request.Query.ContainsKey("$skiptoken")
            ? exchange.RespondJsonAsync(200, Page(Group(2), Member("#microsoft.graph.directoryRole", 3)))
            : exchange.RespondJsonAsync(
                200,
                FollowedBy(
                    $"{_graph.LocalUrl}{exchange.Request.Path}?$select=id&$skiptoken=x",
                    Page(Group(1), Member("#microsoft.graph.administrativeUnit", 4))));
        await using var gateway = await StartAsync();

        var token = await gateway.SignInAsync();
        Assert.Equal([Id(1), Id(2)], Groups(token.Claims));
        var minted = await gateway.Log.AuditAsync("session.mint");
        Assert.False(minted.TryGetProperty("groups_omitted", out _));

        _answer = exchange => exchange.RespondJsonAsync(200, Page(Group(5)));
        Assert.Equal([Id(5)], Groups((await gateway.RefreshAsync(token.RefreshToken)).Claims));

        Assert.All(_graph.Requests, request =>
        {
            Assert.Equal($"/v1.0/users/{ObjectId}/transitiveMemberOf", request.Path);
            Assert.Equal("Bearer app-1", request.Header("authorization"));
        });
        var asked = Assert.Single(_idp.ClientTokenRequests);
        Assert.Equal($"{_graph.LocalUrl}/.default", asked.Form["scope"]);
        Assert.Equal(FakeIdentityProvider.ClientSecret, asked.Form["client_secret"]);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("\"true\"")]
    public async Task The_sign_of_the_implicit_flow_is_one_too(string value)
    {
        _idp.User.Remove("_claim_names");
        _idp.User["hasgroups"] = JsonNode.Parse(value);
        await using var gateway = await StartAsync();
        Assert.Equal([Id(1)], Groups((await gateway.SignInAsync()).Claims));
    }

    [Theory]
    [InlineData("groups", "[\"own\"]")]
    [InlineData("groups", "[]")]
    [InlineData("_claim_names", "{\"wids\":\"src1\"}")]
    [InlineData("_claim_names", "\"groups\"")]
    [InlineData("hasgroups", "false")]
    public async Task Graph_is_not_asked_for_groups_that_nobody_left_out(string claim, string value)
    {
        if (claim != "groups")
        {
            _idp.User.Remove("_claim_names");
        }

        _idp.User[claim] = JsonNode.Parse(value);
        await using var gateway = await StartAsync();
        await gateway.SignInAsync();
        Assert.Empty(_graph.Requests);
        Assert.Empty(_idp.ClientTokenRequests);
    }

    [Fact]
    public async Task Without_the_key_people_have_no_groups_which_the_log_and_the_audit_say()
    {
        await using var gateway = await StartAsync(isAsked: false);
        var token = await gateway.SignInAsync();
        Assert.False(token.Claims.TryGetProperty("groups", out _));
        Assert.Equal(
            "by_idp", (await gateway.Log.AuditAsync("session.mint")).GetProperty("groups_omitted").GetString());
        await gateway.Log.LineAsync("set oidc.entra_groups: true to ask Microsoft Graph");
        await gateway.RefreshAsync(token.RefreshToken);
        await gateway.Log.LineCountAsync("set oidc.entra_groups: true to ask Microsoft Graph", 2);
    }

    [Fact]
    public async Task Without_the_key_a_required_group_is_not_found_and_the_refusal_says_why()
    {
        await using var gateway = await StartAsync(isAsked: false, config => config with
        {
            Oidc = config.Oidc with { AllowedGroups = [Id(1)] },
        });
        Assert.Contains("set oidc.entra_groups", await RefusalAsync(gateway), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, """{"error":{"code":"Authorization_RequestDenied"}}""", "403 Authorization_RequestDenied; check")]
    [InlineData(404, """{"error":{"code":"Request_ResourceNotFound"}}""", "404 Request_ResourceNotFound")]
    [InlineData(429, "", "answered 429;")]
    [InlineData(500, "oops", "answered 500;")]
    [InlineData(200, "oops", "answered 200;")]
    [InlineData(200, "[]", "answered 200;")]
    [InlineData(200, "{}", "no list of groups")]
    [InlineData(200, """{"value":{"id":"x"}}""", "no list of groups")]
    [InlineData(200, """{"value":[{"@odata.type":"#microsoft.graph.group"}]}""", "no list of groups")]
    [InlineData(200, """{"value":["x"]}""", "no list of groups")]
    [InlineData(200, """{"value":[],"@odata.nextLink":"https://elsewhere.example/v1.0/x"}""", "is not at http")]
    [InlineData(200, """{"value":[],"@odata.nextLink":"/v1.0/x"}""", "is not at http")]
    public async Task Nobody_signs_in_without_groups_that_Graph_does_not_tell(int status, string answer, string reason)
    {
        _answer = exchange => exchange.RespondAsync(status, answer, ("content-type", "application/json"));
        await using var gateway = await StartAsync();
        Assert.Contains(reason, await RefusalAsync(gateway), StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("app-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_outage_of_Graph_ends_no_session()
    {
        _idp.RotatesRefreshTokens = false;
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        _answer = exchange => exchange.RespondAsync(503, "");
        using var refused = await gateway.PostFormAsync(
            "/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", token.RefreshToken!));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        _answer = exchange => exchange.RespondJsonAsync(200, Page(Group(2)));
        Assert.Equal([Id(2)], Groups((await gateway.RefreshAsync(token.RefreshToken)).Claims));
    }

    [Fact]
    public async Task A_permission_that_was_just_granted_counts_at_the_next_sign_in()
    {
        _answer = exchange => exchange.Request.Header("authorization") == "Bearer app-1"
            ? exchange.RespondAsync(403, "")
            : exchange.RespondJsonAsync(200, Page(Group(1)));
        await using var gateway = await StartAsync();
        await RefusalAsync(gateway);
        Assert.Equal([Id(1)], Groups((await gateway.SignInAsync()).Claims));
    }

    [Fact]
    public async Task An_application_that_gets_no_token_is_told_with_the_IdPs_word()
    {
        _idp.Script = exchange => exchange.Request.Form.GetValueOrDefault("grant_type") == "client_credentials"
            ? exchange.RespondJsonAsync(401, new { error = "invalid_client", error_description = "AADSTS7000215" })
            : null;
        await using var gateway = await StartAsync();
        Assert.Contains("answered 401 invalid_client", await RefusalAsync(gateway), StringComparison.Ordinal);
        Assert.Empty(_graph.Requests);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("../../groups")]
    public async Task Without_an_object_id_nobody_can_be_looked_up(string? oid)
    {
        _idp.User["oid"] = oid;
        await using var gateway = await StartAsync();
        Assert.Contains("the id_token has no oid", await RefusalAsync(gateway), StringComparison.Ordinal);
        Assert.Empty(_graph.Requests);
    }

    [Fact]
    public async Task A_refresh_without_an_id_token_is_not_taken_for_no_groups()
    {
        _idp.IssuesIdTokenOnRefresh = false;
        _idp.UserInfo = new JsonObject { ["sub"] = "alice", ["email"] = "alice@example.com" };
        await using var gateway = await StartAsync();
        var token = await gateway.SignInAsync();
        using var refused = await gateway.PostFormAsync(
            "/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", token.RefreshToken!));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        var audit = await gateway.Log.AuditAsync("session.refresh");
        Assert.Contains("scope_on_refresh", audit.GetProperty("err").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_thousand_groups_the_bearer_holds_those_that_something_is_decided_by()
    {
        _answer = exchange => exchange.RespondJsonAsync(
            200, Page([.. Enumerable.Range(1, 1000).Select(i => Group(i))]));
        await using var gateway = await StartAsync(change: config => config with
        {
            Managed = new ManagedConfig
            {
                Policies = [new PolicyConfig { Match = new PolicyMatch([Id(7), Id(2000)], null) }],
            },
            Upstreams = [config.Upstreams[0] with { Groups = [Id(9)] }],
            Admin = new AdminConfig
            {
                WriteKeys = [new AdminKey("test", new Secret(AdminKey))],
                AdminGroups = [Id(11)],
            },
        });
        await LimitAsync(gateway, 13);
        var token = await gateway.SignInAsync();
        Assert.Equal([Id(7), Id(9), Id(11), Id(13)], Groups(token.Claims));
        Assert.Equal(
            "unnamed", (await gateway.Log.AuditAsync("session.mint")).GetProperty("groups_omitted").GetString());
        using var message = await gateway.SendMessageAsync(token.AccessToken);
        Assert.Equal(HttpStatusCode.OK, message.StatusCode);

        await LimitAsync(gateway, 15);
        Assert.Contains(Id(15), Groups((await gateway.RefreshAsync(token.RefreshToken)).Claims));
    }

    [Fact]
    public async Task Doctor_proves_what_the_application_may_read()
    {
        _answer = exchange => exchange.Request.Path == "/v1.0/users"
            ? exchange.RespondJsonAsync(200, new { value = new[] { new { id = ObjectId } } })
            : exchange.RespondAsync(403, "");
        var finding = await ExamineAsync();
        Assert.False(finding.IsWell);
        Assert.Contains("GroupMember.Read.All", finding.Advice, StringComparison.Ordinal);

        _answer = exchange => exchange.RespondJsonAsync(200, Page(Group(1)));
        Assert.True((await ExamineAsync()).IsWell);
    }

    private static async Task LimitAsync(GatewayHost gateway, int group)
    {
        using var response = await gateway.SendAsync(
            HttpMethod.Post,
            "/v1/organizations/spend_limits",
            new StringContent(
                JsonSerializer.Serialize(new
                {
                    scope = new { type = "rbac_group", rbac_group_id = Id(group) },
                    amount = "10000",
                    period = "monthly",
                }),
                System.Text.Encoding.UTF8,
                "application/json"),
            ("x-api-key", AdminKey));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private async Task<Finding> ExamineAsync()
    {
        await using var log = new CapturedLog();
        using var lines = new StderrLines(log);
        var findings = await DoctorCommand.ExamineAsync(
            Asked(TestConfig.Create(_idp, [])),
            [],
            new ProcessEnvironment(new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" }),
            TimeProvider.System,
            new OperationalLog(lines, TimeProvider.System, LogLevel.Info),
            CancellationToken.None);
        return findings.Single(finding => finding.Subject.StartsWith("oidc.entra_groups", StringComparison.Ordinal));
    }

    private static async Task<string> RefusalAsync(GatewayHost gateway)
    {
        var device = await gateway.AuthorizeDeviceAsync();
        using var browser = gateway.NewBrowser();
        await gateway.ApproveAsync(browser, device.UserCode);
        Assert.Equal(
            "access_denied", (await gateway.PollAsync(device.DeviceCode)).Json.GetProperty("error").GetString());
        return (await gateway.Log.AuditAsync("session.mint")).GetProperty("err").GetString()!;
    }

    private Task<GatewayHost> StartAsync(bool isAsked = true, Func<GatewayConfig, GatewayConfig>? change = null)
    {
        var config = TestConfig.Create(_idp, [_upstream]);
        config = isAsked ? Asked(config) : config;
        return GatewayHost.StartAsync(change is null ? config : change(config));
    }

    private GatewayConfig Asked(GatewayConfig config) => config with
    {
        Oidc = config.Oidc with { EntraGroups = true, EntraGraphUrl = new Uri(_graph.LocalUrl) },
    };

    private static IEnumerable<string?> Groups(JsonElement claims) =>
        claims.GetProperty("groups").EnumerateArray().Select(group => group.GetString());

    private static string Id(int number) => $"00000000-0000-0000-0000-{number:d12}";

    private static JsonObject Group(int number) => Member(GroupType, number);

    private static JsonObject Member(string type, int number) =>
        new() { ["@odata.type"] = type, ["id"] = Id(number) };

    private static JsonObject FollowedBy(string nextPage, JsonObject page)
    {
        page["@odata.nextLink"] = nextPage;
        return page;
    }

    private static JsonObject Page(params JsonObject[] members) => new()
    {
        ["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#directoryObjects(id)",
        ["value"] = new JsonArray([.. members]),
    };
}
