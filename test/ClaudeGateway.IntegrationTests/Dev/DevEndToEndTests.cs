using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.IntegrationTests.Browser;
using ClaudeGateway.Testing;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Dev;

/// <summary>A newcomer's first minutes: start it, sign in with a browser, ask the model something.</summary>
public sealed class DevEndToEndTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private readonly GatewayProcess _dev;
    private Uri _gateway = null!;

    public DevEndToEndTests() => _dev = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0");

    public async ValueTask InitializeAsync() =>
        _gateway = new Uri(
            (await _dev.Output.LineAsync("  gateway ")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    public async ValueTask DisposeAsync()
    {
        await _dev.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Signs_in_through_a_browser_to_a_streamed_answer()
    {
        var bearer = await SignInAsync("Ada Lovelace");
        using var response = await PostAsync(
            "/v1/messages",
            bearer,
            """{"model":"claude-sonnet-4-6","max_tokens":200,"stream":true,"messages":[{"role":"user","content":"How are you?"}]}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var events = await response.Content.ReadAsStringAsync();
        Assert.Equal(
            ["message_start", "ping", "content_block_start", "content_block_delta"], EventNames(events).Take(4));
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], EventNames(events).TakeLast(3));
        Assert.Contains("are", events, StringComparison.Ordinal);

        using var count = await PostAsync(
            "/v1/messages/count_tokens",
            bearer,
            """{"model":"claude-sonnet-4-6","messages":[{"role":"user","content":"How are you?"}]}""");
        Assert.InRange((await JsonAsync(count)).GetProperty("input_tokens").GetInt32(), 1, 100);

        var granted = await _dev.Errors.AuditAsync("session.mint");
        Assert.Equal("ada@example.com", granted.GetProperty("email").GetString());
    }

    [Fact]
    public async Task Offered_tools_are_called_once()
    {
        var bearer = await SignInAsync("Grace Hopper");
        const string tools =
            """[{"name":"get_weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]""";
        using var first = await PostAsync(
            "/v1/messages",
            bearer,
            $$"""{"model":"claude-sonnet-4-6","max_tokens":200,"tools":{{tools}},"messages":[{"role":"user","content":"Weather?"}]}""");
        var call = await JsonAsync(first);
        Assert.Equal("tool_use", call.GetProperty("stop_reason").GetString());
        var use = call.GetProperty("content").EnumerateArray()
            .Single(b => b.GetProperty("type").GetString() == "tool_use");

        var second = $$"""
            {"model":"claude-sonnet-4-6","max_tokens":200,"tools":{{tools}},"messages":[{"role":"user","content":"Weather?"},{"role":"assistant","content":{{call.GetProperty("content")}}},
             {"role":"user","content":[
               {"type":"tool_result","tool_use_id":"{{use.GetProperty("id").GetString()}}","content":"22 degrees"}]}]}
            """;
        using var answer = await PostAsync("/v1/messages", bearer, second);
        Assert.Equal("end_turn", (await JsonAsync(answer)).GetProperty("stop_reason").GetString());
    }

    [Fact]
    public async Task A_contractor_gets_the_models_of_the_contractors()
    {
        var bearer = await SignInAsync("Charles Babbage");
        using var refused = await PostAsync(
            "/v1/messages",
            bearer,
            """{"model":"claude-sonnet-4-6","max_tokens":20,"messages":[{"role":"user","content":"hi"}]}""");
        Assert.False(refused.IsSuccessStatusCode);
        using var allowed = await PostAsync(
            "/v1/messages",
            bearer,
            """{"model":"claude-haiku-4-5","max_tokens":20,"messages":[{"role":"user","content":"hi"}]}""");
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    /// <summary>`claude-gateway login` in one process, the person in a real browser, without JavaScript.</summary>
    private async Task<string> SignInAsync(string user)
    {
        await using var login = GatewayProcess.Start(
            _folder.Path, null, "login", _gateway.GetLeftPart(UriPartial.Authority));
        var address = (await login.Errors.LineAsync("Open this address")).Split(' ')[^1];
        var page = await Chromium.NewVisitorAsync(javaScript: false);
        await page.GotoAsync(address);
        await page.GetByRole(AriaRole.Button).First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = user }).ClickAsync();
        // What the person reads. Waiting for the address instead is a race of the driver's: it misses the load event of
        // a page that is there already.
        await page.GetByRole(AriaRole.Heading, new() { Name = "You are signed in" }).WaitForAsync();
        Assert.StartsWith(_gateway.ToString(), page.Url, StringComparison.Ordinal);
        Assert.Equal(0, await login.ExitCodeAsync());
        return Assert.Single(login.Output.Lines);
    }

    private Task<HttpResponseMessage> PostAsync(string path, string bearer, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway, path))
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Authorization", $"Bearer {bearer}");
        request.Headers.Add("anthropic-version", "2023-06-01");
        return _http.SendAsync(request, CancellationToken.None);
    }

    private static IEnumerable<string> EventNames(string events) =>
        events.Split('\n').Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).Select(l => l[7..]);

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
}
