using System.Buffers;
using System.IO.Pipelines;
using ClaudeGateway.Http;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// A JSON answer that is complete: a message, a token count, or an error in our words. None of a cloud's headers reach
/// the client but <c>retry-after</c>.
/// </summary>
internal sealed class WholeAnswer(Upstream upstream, HttpResponseMessage? message, int status,
    ReadOnlySequence<byte> json) : UpstreamResponse(upstream, status, message)
{
    public WholeAnswer(Upstream upstream, HttpResponseMessage? message, int status, ReadOnlyMemory<byte> json)
        : this(upstream, message, status, new ReadOnlySequence<byte>(json))
    {
    }

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

        if (Status == StatusCodes.Status429TooManyRequests && Header(Message, "retry-after") is { } retryAfter
            && IsPlain(retryAfter))
        {
            headers.RetryAfter = retryAfter;
        }
    }

    public override Stream OpenBody(string? acceptEncoding) => PipeReader.Create(json).AsStream();

    private static bool IsPlain(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
