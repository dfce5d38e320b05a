using System.Text;
using System.Text.Json;
using ClaudeGateway.Dev;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Dev;

public sealed class DevModelTests : IAsyncLifetime
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private DevServer? _server;

    public async ValueTask InitializeAsync() =>
        _server = await DevServer.StartAsync(
            0,
            "test",
            _ => new DevModel(new ManualTimeProvider { JumpsAtMost = TimeSpan.MaxValue }).HandleAsync,
            CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _http.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"model":"m","max_tokens":1,"messages":[]}""")]
    public async Task What_the_API_would_refuse_is_refused(string body)
    {
        using var response = await PostAsync("/v1/messages", body);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains(
            "\"invalid_request_error\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_message_and_the_streamed_one_say_the_same()
    {
        const string request =
            """{"model":"m","max_tokens":500,"stream":STREAM,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}""";
        using var whole = await PostAsync("/v1/messages", request.Replace("STREAM", "false", StringComparison.Ordinal));
        using var streamed = await PostAsync(
            "/v1/messages", request.Replace("STREAM", "true", StringComparison.Ordinal));
        var message = JsonDocument.Parse(await whole.Content.ReadAsStringAsync()).RootElement;
        var deltas = (await streamed.Content.ReadAsStringAsync()).Split('\n')
            .Where(l => l.StartsWith("data: ", StringComparison.Ordinal))
            .Select(l => JsonDocument.Parse(l[6..]).RootElement).Where(
                e =>
                    e.GetProperty("type").GetString() == "content_block_delta").Select(e => e.GetProperty("delta"))
                        .ToList();
        Assert.Equal(
            message.GetProperty("content")[0].GetProperty("thinking").GetString(),
            Joined("thinking_delta", "thinking"));
        Assert.Equal(message.GetProperty("content")[1].GetProperty("text").GetString(), Joined("text_delta", "text"));

        string Joined(string type, string field) =>
            string.Concat(
                deltas.Where(d => d.GetProperty("type").GetString() == type)
                .Select(d => d.GetProperty(field).GetString()));
    }

    [Fact]
    public async Task Other_paths_are_not_found() =>
        Assert.Equal(404, (int)(await PostAsync("/v1/complete", "{}")).StatusCode);

    private Task<HttpResponseMessage> PostAsync(string path, string body) =>
        _http.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, _server!.Url + path)
            {
                Content = new StringContent(body, Encoding.UTF8, "application/json"),
            },
            CancellationToken.None);
}
