using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Json;
using ClaudeGateway.Storage;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Admin;

/// <summary>
/// One call of the admin API: its own request id <c>req_…</c> on every answer and its own error envelope, in which the
/// id comes last (spec/spend.md, Admin auth).
/// </summary>
internal sealed class AdminRequest
{
    private readonly string _id = "req_" + RandomNumberGenerator.GetHexString(32, lowercase: true);

    public AdminRequest(GatewayRequest gateway)
    {
        Gateway = gateway;
        gateway.Http.Response.Headers["request-id"] = _id;
    }

    public GatewayRequest Gateway { get; }

    public HttpRequest Http => Gateway.Http.Request;

    /// <summary>
    /// Whether one of Anthropic's SDKs or <c>ant</c> calls: they say on every request which API they speak. Their
    /// objects have members that the reference's have not.
    /// </summary>
    public bool IsOfAnthropicClient =>
        Http.Headers.ContainsKey("anthropic-version") || Http.Headers.ContainsKey("anthropic-beta");

    public Task OkAsync(Action<Utf8JsonWriter> write)
    {
        if (HttpMethods.IsGet(Http.Method))
        {
            Gateway.Http.Response.Headers.CacheControl = "no-store";
        }

        return AnswerAsync(200, write);
    }

    public Task InvalidAsync(string message) => ErrorAsync(400, "invalid_request_error", message);

    public Task NotFoundAsync(string message) => ErrorAsync(404, "not_found_error", message);

    /// <summary>Answers with what <paramref name="work"/> does; with 503 while the store is away.</summary>
    public async Task WithStoreAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreOutcomeUnknownException) when (!Gateway.Http.Response.HasStarted)
        {
            Gateway.Http.Response.Headers.RetryAfter = "1";
            const string problem =
                "the store went away before it confirmed the change, which may hold; look before you try again";
            await ErrorAsync(503, "api_error", problem);
        }
        catch (StoreUnavailableException) when (!Gateway.Http.Response.HasStarted)
        {
            Gateway.Http.Response.Headers.RetryAfter = "1";
            await ErrorAsync(503, "api_error", "the store is not available; try again in a moment");
        }
    }

    public Task ErrorAsync(int status, string type, string message) =>
        AnswerAsync(status, json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteStartObject("error");
            json.WriteString("type", type);
            json.WriteString("message", message);
            json.WriteEndObject();
            json.WriteString("request_id", _id);
            json.WriteEndObject();
        });

    private Task AnswerAsync(int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(body, JsonWriting.Plain))
        {
            write(json);
        }

        return Answers.WriteAsync(Gateway, status, Answers.Json, body.WrittenMemory);
    }
}
