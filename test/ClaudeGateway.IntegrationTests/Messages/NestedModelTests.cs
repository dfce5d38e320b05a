using System.Net;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Settings;

namespace ClaudeGateway.IntegrationTests.Messages;

public sealed class NestedModelTests
{
    private const string Fallbacks =
        "\"fallbacks\":[{\"model\":\"claude-sonnet-4-6\"},{\"model\":\"claude-opus-4-8\"}]";
    private const string Advisor =
        "\"tools\":[{\"type\":\"advisor_20260301\",\"name\":\"advisor\",\"model\":\"claude-opus-4-8\"}]";

    [Theory]
    [InlineData(
        "/v1/messages",
        Fallbacks,
        "{\"availableModels\":[\"sonnet\"]}",
        "fallbacks.1.model: model claude-opus-4-8 is not in your role's availableModels allowlist")]
    [InlineData(
        "/v1/messages",
        Advisor,
        "{\"availableModels\":[\"claude-sonnet-4-6\"],\"availableModelsMatch\":\"exact\"}",
        "tools.0.model: model claude-opus-4-8 is not in your role's availableModels allowlist")]
    [InlineData(
        "/v1/messages/count_tokens",
        Advisor,
        "{\"deniedModels\":[\"opus\"]}",
        "tools.0.model: model claude-opus-4-8 is blocked by your role's deniedModels denylist")]
    [InlineData(
        "/v1/messages",
        "\"fallbacks\":[{\"model\":\" claude-opus-4-8\\n\"}]",
        "{\"deniedModels\":[\"claude-opus-4-8\"]}",
        "fallbacks.0.model: model  claude-opus-4-8 is blocked by your role's deniedModels denylist")]
    [InlineData(
        "/v1/messages",
        "\"fallback_model\":\"house\"",
        "{\"deniedModels\":[\"claude-opus-4-8\"]}",
        "fallback_model: model house is blocked by your role's deniedModels denylist")]
    [InlineData(
        "/v1/messages",
        "\"x\":{\"model\":5}",
        "{\"deniedModels\":[]}",
        "x.model: refused by this gateway: `model` must be a string")]
    public async Task Another_model_than_the_requests_own_is_judged_as_that_is(
        string path, string members, string policy, string message)
    {
        await using var scene = await StartAsync(policy);

        using var response = await scene.Gateway.PostJsonAsync(path, Body(members), scene.Bearer);

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(
            (HttpStatusCode.BadRequest, "invalid_request_error", message),
            (response.StatusCode, error.GetProperty("type").GetString(), error.GetProperty("message").GetString()));
        var audited = await scene.Gateway.Log.AuditAsync("inference");
        Assert.Equal(
            (400, JsonValueKind.Null),
            (audited.GetProperty("status").GetInt32(), audited.GetProperty("model").ValueKind));
        Assert.Empty(scene.Upstream.Requests);
    }

    [Theory]
    [InlineData("{}", Fallbacks + "," + Advisor)]
    [InlineData("{}", "\"x\":{\"model\":5},\"fallbacks\":[{\"model\":\"unheard-of\"}]")]
    [InlineData("{\"availableModels\":[\"claude-sonnet-4-6\",\"claude-opus\"]}", Fallbacks + "," + Advisor)]
    [InlineData("{\"availableModels\":[\"claude-sonnet-4-6\"]}", "\"fallbacks\":\"default\"")]
    [InlineData(
        "{\"availableModels\":[\"claude-sonnet-4-6\"]}",
        "\"safeguards\":[{\"type\":\"auto\",\"classifier_context\":{\"refused_calls\":[{\"name\":\"Agent\",\"input\":{\"model\":\"opus\"}}]}}]")]
    [InlineData("{\"availableModels\":[\"claude-sonnet-4-6\",\"house\"]}", "\"fallbacks\":[ {\"model\":\"house\"} ]")]
    public async Task What_the_policy_allows_reaches_the_upstream_as_it_was_written(string policy, string members)
    {
        await using var scene = await StartAsync(policy);
        var body = Body(members);

        using var response = await scene.PostAsync(body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, Assert.Single(scene.Upstream.Requests).Text);
    }

    [Theory]
    [InlineData("claude-opus-4-8", "model claude-opus-4-8 is not in your role's availableModels allowlist")]
    [InlineData(
        "claude-sonnet-4-6-unheard-of",
        "fallbacks.1.model: model claude-opus-4-8 is not in your role's availableModels allowlist")]
    public async Task The_policy_speaks_of_the_requests_own_model_first_and_before_the_catalogue(
        string model, string message)
    {
        await using var scene = await StartAsync("{\"availableModels\":[\"claude-sonnet-4-6\"]}");

        using var response = await scene.PostAsync(Body(Fallbacks, model));

        Assert.Equal(
            message,
            JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error")
            .GetProperty("message").GetString());
    }

    private static Task<Scene> StartAsync(string policy) => Scene.StartAsync(config => config with
    {
        Models = [new("house", null, null, new Dictionary<string, string> { ["anthropic"] = "claude-opus-4-8" })],
        Managed = new ManagedConfig
        {
            Policies = [new PolicyConfig { Settings = new PolicyDocument(
            "managed.policies[0].cli", JsonElement.Parse(policy), new Dictionary<string, ConfigPosition>()) }]
        },
    });

    private static string Body(string members, string model = "claude-sonnet-4-6") =>
        $$"""{"model":"{{model}}", "max_tokens":5,"messages":[{"role":"user","content":"hi"}],{{members}} }""";
}
