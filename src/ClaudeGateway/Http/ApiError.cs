using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Http;

/// <summary>
/// The one Anthropic error envelope: <c>{"type":"error","request_id":…,"error":{"type":…,"message":…}}</c>
/// (spec/inference.md, order of the checks).
/// </summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Type">An error type of the Anthropic API, e.g. <c>invalid_request_error</c>.</param>
internal sealed record ApiError(int Status, string Type, string Message)
{
    public static ApiError InvalidRequest(string message) => new(400, "invalid_request_error", message);

    public static ApiError Authentication(string message) => new(401, "authentication_error", message);

    public static ApiError NotFound(string message) => new(404, "not_found_error", message);

    public static ApiError Internal() => new(500, "api_error", "internal server error");

    /// <summary>Answers the request with this error. The response must not have started.</summary>
    public Task WriteAsync(GatewayRequest request) =>
        Answers.WriteAsync(request, Status, Answers.Json, ToJson(request.Id));

    /// <summary>The envelope on one line.</summary>
    public ReadOnlyMemory<byte> ToJson(string requestId)
    {
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body, JsonWriting.Plain))
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteString("request_id", requestId);
            json.WriteStartObject("error");
            json.WriteString("type", Type);
            json.WriteString("message", Message);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return body.WrittenMemory;
    }
}
