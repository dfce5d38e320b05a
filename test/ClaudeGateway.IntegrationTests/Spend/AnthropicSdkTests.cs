using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>The admin API as Anthropic's SDKs and <c>ant</c> use it, beside the reference's way.</summary>
public sealed class AnthropicSdkTests : IAsyncLifetime
{
    private static readonly (string, string) Version = ("anthropic-version", "2026-10-21");

    private SpendHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task The_SDK_from_npm_sets_pages_reads_and_deletes_limits()
    {
        Assert.SkipWhen(
            !NpmAnthropicSdk.IsInstalled && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI")),
            "npm's @anthropic-ai/sdk is not installed: run './dev test', or set ANTHROPIC_SDK");

        var found = await NpmAnthropicSdk.AdministerAsync(_host.Gateway.Url, SpendHost.AdminKey, SpendHost.ReadKey);

        var organization = found.GetProperty("organization");
        Assert.Equal("50000", organization.GetProperty("amount").GetString());
        Assert.True(organization.GetProperty("is_enabled").GetBoolean());
        Assert.True(JsonElement.DeepEquals(organization, found.GetProperty("retrieved")));
        Assert.Equal(JsonValueKind.Null, found.GetProperty("unlimited").ValueKind);
        Assert.Equal(
            """[["organization","monthly",true],["u0","daily",true],["u1","daily",true],"""
            + """["u2","daily",true],["u3","daily",true],["u0","weekly",true]]""",
            found.GetProperty("paged").GetRawText());
        Assert.Equal(2, found.GetProperty("first").GetInt32());
        Assert.Equal(6, found.GetProperty("both").GetInt32());
        Assert.Equal(1, found.GetProperty("organizations").GetInt32());
        const string report = """[["u3","3","user"],["u1","1","user"]]""";
        Assert.Equal(report, found.GetProperty("effective").GetRawText());
        Assert.Equal(report, found.GetProperty("released").GetRawText());
        AssertFailed(found.GetProperty("fraction"), "BadRequestError", 400, "invalid_request_error");
        AssertFailed(found.GetProperty("workspace"), "BadRequestError", 400, "invalid_request_error");
        AssertFailed(found.GetProperty("readOnly"), "PermissionDeniedError", 403, "permission_error");
        AssertFailed(found.GetProperty("unknown"), "NotFoundError", 404, "not_found_error");
        AssertFailed(found.GetProperty("stranger"), "AuthenticationError", 401, "authentication_error");
        Assert.Equal(
            Enumerable.Repeat("spend_limit_deleted", 6),
            found.GetProperty("deleted").EnumerateArray().Select(type => type.GetString()));
        Assert.Equal(0, found.GetProperty("left").GetInt32());
    }

    [Fact]
    public async Task A_page_goes_on_behind_a_limit_that_was_deleted_meanwhile()
    {
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await _host.LimitAsync(SpendHost.User($"u{i}"), "5")).GetProperty("id").GetString()!);
        }

        var first = await GetAsync("?limit=2", Version);
        using var deleted = await _host.AdminAsync(HttpMethod.Delete, "/" + ids[1]);
        var second = await GetAsync("?limit=2&page=" + NextPage(first), Version);
        var third = await GetAsync("?limit=2&page=" + NextPage(second), Version);

        Assert.Equal(ids[2..4], Ids(second));
        Assert.Equal(ids[4..], Ids(third));
        Assert.Null(NextPage(third));
    }

    [Fact]
    public async Task Who_does_not_say_which_version_he_speaks_gets_the_members_of_the_reference()
    {
        await _host.LimitAsync(SpendHost.User("alice"), "5");
        string[] expected = ["data", "first_id", "has_more", "last_id"];

        var plain = await GetAsync("");
        var versioned = await GetAsync("", Version);
        var beta = await GetAsync("", ("anthropic-beta", "spend-limit-reads-2026-09-26"));

        Assert.Equal(expected, Members(plain));
        Assert.Equal([.. expected, "next_page"], Members(versioned));
        Assert.Equal([.. expected, "next_page"], Members(beta));
        Assert.False(plain.GetProperty("data")[0].TryGetProperty("is_enabled", out _));
        Assert.True(beta.GetProperty("data")[0].GetProperty("is_enabled").GetBoolean());
    }

    [Theory]
    [InlineData("Bearer " + SpendHost.AdminKey, true, 404)]
    [InlineData("bearer " + SpendHost.ReadKey, true, 403)]
    [InlineData("Bearer " + SpendHost.AdminKey + "x", true, 401)]
    [InlineData(SpendHost.AdminKey, true, 401)]
    [InlineData("Bearer " + SpendHost.AdminKey, false, 401)]
    public async Task An_admin_key_is_taken_as_a_bearer_from_whoever_says_his_version(
        string authorization, bool saysVersion, int status)
    {
        using var response = await _host.Gateway.SendAsync(
            HttpMethod.Delete,
            SpendHost.Path + "/spl_0",
            null,
            [("Authorization", authorization), .. saysVersion ? [Version] : (ReadOnlySpan<(string, string)>)[]]);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("?page=", "page: invalid page token")]
    [InlineData("?page=nonsense", "page: invalid page token")]
    [InlineData("?page=cG9zaXRpb24gLTE", "page: invalid page token")]
    [InlineData("?page=cG9zaXRpb24gMQ&after_id=spl_0", "page and after_id are mutually exclusive")]
    [InlineData("?page=cG9zaXRpb24gMQ&before_id=spl_0", "page and before_id are mutually exclusive")]
    [InlineData("?scope_type[]=user&scope_type[]=seat_tier", "scope_type: must be one of")]
    [InlineData("?workspace_id=wrkspc_1", "workspace_id: there are no workspaces here")]
    public async Task What_a_page_cannot_be_asked_for_by_is_named(string query, string message)
    {
        using var response = await _host.AdminAsync(HttpMethod.Get, query);
        Assert.Equal(400, (int)response.StatusCode);
        var error = (await SpendHost.JsonAsync(response)).GetProperty("error");
        Assert.StartsWith(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static void AssertFailed(JsonElement failure, string name, int status, string type)
    {
        Assert.Equal(name, failure.GetProperty("class").GetString());
        Assert.Equal(status, failure.GetProperty("status").GetInt32());
        Assert.Equal(type, failure.GetProperty("type").GetString());
        Assert.StartsWith("req_", failure.GetProperty("request").GetString(), StringComparison.Ordinal);
    }

    private async Task<JsonElement> GetAsync(string query, params (string, string)[] headers)
    {
        using var response = await _host.Gateway.SendAsync(
            HttpMethod.Get, SpendHost.Path + query, null, [("x-api-key", SpendHost.AdminKey), .. headers]);
        Assert.Equal(200, (int)response.StatusCode);
        return await SpendHost.JsonAsync(response);
    }

    private static string? NextPage(JsonElement page) => page.GetProperty("next_page").GetString();

    private static IEnumerable<string?> Ids(JsonElement page) =>
        page.GetProperty("data").EnumerateArray().Select(limit => limit.GetProperty("id").GetString());

    private static IEnumerable<string> Members(JsonElement json) =>
        json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);
}
