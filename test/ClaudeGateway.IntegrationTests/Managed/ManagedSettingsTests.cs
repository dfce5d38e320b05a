using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Settings;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

public sealed class ManagedSettingsTests : IAsyncLifetime
{
    private readonly FakeIdentityProvider _idp = new();
    private readonly FakeUpstream _upstream = new();
    private GatewayHost _gateway = null!;
    private string _bearer = "";

    public ValueTask InitializeAsync() =>
        StartAsync(Policy("eng", "{\"model\":\"opus\"}"), Policy(null, "{\"env\":{\"A\":\"1\"}}"));

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
        await _idp.DisposeAsync();
    }

    [Fact]
    public async Task Settings_of_the_developers_group_are_served_with_their_tag()
    {
        using var response = await GetAsync();

        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal("""{"env":{"A":"1"},"model":"opus"}""", body["settings"]!.ToJsonString());
        Assert.Equal($"\"{body["checksum"]}\"", response.Headers.ETag!.Tag);
        Assert.Equal(["User-Agent"], response.Headers.Vary);
        Assert.Equal(0, (await _gateway.Log.AuditAsync("managed.serve")).GetProperty("policy_index").GetInt32());
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("W/{0}")]
    [InlineData("\"other\", {0}")]
    public async Task A_poll_with_the_current_tag_answers_304_with_the_tag(string format)
    {
        using var first = await GetAsync();
        var tag = first.Headers.ETag!.Tag;

        using var second = await GetAsync(
            ("If-None-Match", string.Format(System.Globalization.CultureInfo.InvariantCulture, format, tag)));

        Assert.Equal(
            (HttpStatusCode.NotModified, tag, ""),
            (second.StatusCode, second.Headers.ETag!.Tag, await second.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Only_answers_with_settings_are_audited()
    {
        using var first = await GetAsync();
        using var unchanged = await GetAsync(("If-None-Match", first.Headers.ETag!.Tag));
        using var head = await _gateway.SendAsync(
            HttpMethod.Head,
            "/managed/settings",
            null,
            ("Authorization", $"Bearer {_bearer}"),
            ("If-None-Match", first.Headers.ETag!.Tag));
        using var any = await GetAsync(("If-None-Match", "*"));

        Assert.Equal(
            [HttpStatusCode.OK, HttpStatusCode.NotModified, HttpStatusCode.NotModified, HttpStatusCode.OK],
            new[] { first, unchanged, head, any }.Select(answer => answer.StatusCode));
        await AssertAuditedAsync(first, any);
    }

    [Fact]
    public async Task The_question_whether_there_are_settings_is_not_audited_when_it_is_answered_without_them()
    {
        await _gateway.DisposeAsync();
        await StartAsync(Policy(null, "{\"model\":\"opus\"}") with { SettingsKey = PolicySettingsKey.Code });

        using var any = await GetAsync(("If-None-Match", "*"));
        using var first = await GetAsync();

        Assert.Equal((HttpStatusCode.NotModified, HttpStatusCode.OK), (any.StatusCode, first.StatusCode));
        await AssertAuditedAsync(first);
    }

    /// <summary>
    /// The events are written in the order of the answers, so that one for an earlier answer would be there by now.
    /// </summary>
    private async Task AssertAuditedAsync(params HttpResponseMessage[] answers)
    {
        await _gateway.Log.AuditAsync("managed.serve", answers.Length);
        Assert.Equal(
            answers.Select(answer => Assert.Single(answer.Headers.GetValues("x-request-id"))),
            _gateway.Log.Audit("managed.serve").Select(e => e.GetProperty("request_id").GetString()));
    }

    [Fact]
    public async Task A_session_in_Claude_Desktop_is_not_served_cli_settings()
    {
        using var response = await GetAsync(("User-Agent", "claude-cli/2.1.0 (external, claude-desktop)"));

        Assert.Equal(
            (HttpStatusCode.NotFound, "not served to Claude Desktop sessions"),
            (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task Another_method_is_told_which_ones_work()
    {
        using var response = await _gateway.SendAsync(
            HttpMethod.Post, "/managed/settings", null, ("Authorization", $"Bearer {_bearer}"));

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task HEAD_has_the_length_and_no_body()
    {
        using var get = await GetAsync();
        using var head = await _gateway.SendAsync(
            HttpMethod.Head, "/managed/settings", null, ("Authorization", $"Bearer {_bearer}"));

        Assert.Equal(get.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        Assert.Equal(get.Headers.ETag, head.Headers.ETag);
    }

    [Fact]
    public async Task Concurrent_first_requests_get_the_same_answer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            using var response = await _gateway.GetAsync("/user/bootstrap", _bearer);
            using var settings = await GetAsync();
            return (await response.Content.ReadAsStringAsync()).Split(":\"", 2)[0]
                + await settings.Content.ReadAsStringAsync();
        }));

        Assert.Single(answers.Select(a => a.Split("checksum")[1]).Distinct());
    }

    private async ValueTask StartAsync(params PolicyConfig[] policies)
    {
        _gateway = await GatewayHost.StartAsync(
            TestConfig.Create(_idp, [_upstream]) with { Managed = new ManagedConfig { Policies = policies } });
        _bearer = (await _gateway.SignInAsync()).AccessToken;
    }

    private Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] headers) =>
        _gateway.SendAsync(
            HttpMethod.Get, "/managed/settings", null, [("Authorization", $"Bearer {_bearer}"), .. headers]);

    private static PolicyConfig Policy(string? group, string settings) => new()
    {
        Match = new PolicyMatch(group is null ? null : [group], null),
        Settings = new PolicyDocument(
            "managed.policies[0].cli", JsonElement.Parse(settings), new Dictionary<string, ConfigPosition>()),
    };
}
