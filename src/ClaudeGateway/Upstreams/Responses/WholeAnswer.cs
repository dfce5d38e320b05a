using System.Runtime.InteropServices;
using ClaudeGateway.Http;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>A JSON answer that is complete: a message, a token count, or an error in our words. None of a cloud's headers reach the client but <c>retry-after</c>.</summary>
internal sealed class WholeAnswer(Upstream upstream, HttpResponseMessage? message, int status, ReadOnlyMemory<byte> json) : UpstreamResponse(upstream, status, message)
{
    /// <summary>Whether the client is told not to send the same request again.</summary>
    public bool IsHopeless { get; init; }

    public override void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
    {
        headers.ContentType = Answers.Json;
        headers.ContentLength = json.Length;
        if (IsHopeless)
        {
            headers["x-should-retry"] = "false";
        }

        if (Status == StatusCodes.Status429TooManyRequests && Header(Message, "retry-after") is { } retryAfter && IsPlain(retryAfter))
        {
            headers.RetryAfter = retryAfter;
        }
    }

    public override Stream OpenBody(string? acceptEncoding) =>
        MemoryMarshal.TryGetArray(json, out var array) ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) : new MemoryStream(json.ToArray(), writable: false);

    private static bool IsPlain(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
