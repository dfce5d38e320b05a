using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>The answer of an endpoint that speaks the Messages API itself, passed on as it is (spec/inference.md, Response).</summary>
internal sealed class AnthropicResponse(Upstream upstream, HttpResponseMessage message) : UpstreamResponse(upstream, (int)message.StatusCode, message)
{
    private ValueTask<int> _firstByte;

    public override ValueTask<int> FirstByte => _firstByte;

    /// <summary>
    /// Looks whether the body has broken already, which the next upstream can make good, but does not wait for it: the client gets
    /// the headers first. Only an answer that is relayed for certain is looked at, since a begun read cannot be taken back.
    /// </summary>
    public override ValueTask<UpstreamResponse> StartedAsync(CancellationToken cancellation)
    {
        if (!Message!.IsSuccessStatusCode)
        {
            return base.StartedAsync(cancellation);
        }

        var firstByte = Body().ReadAsync(Memory<byte>.Empty, cancellation);
        if (!firstByte.IsCompleted || firstByte.IsCompletedSuccessfully)
        {
            _firstByte = firstByte;
            return base.StartedAsync(cancellation);
        }

        Dispose();
        return ThrowAsync(firstByte);
    }

    public override void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
    {
        var decoded = MustDecode(acceptEncoding);
        ResponseHeaders.Copy(Message!.Headers.NonValidated, headers);
        ResponseHeaders.Copy(Message!.Content.Headers.NonValidated, headers);
        if (decoded)
        {
            headers.ContentEncoding = default;
            headers.ContentLength = null;
        }
    }

    public override Stream OpenBody(string? acceptEncoding)
    {
        var body = Body();
        return MustDecode(acceptEncoding) ? ContentCoding.Decode(ContentEncoding!, body) : body;
    }

    /// <summary>It is there with the headers: nothing blocks.</summary>
    private Stream Body() => Message!.Content.ReadAsStream();

    private string? ContentEncoding => Message!.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding) ? coding.ToString() : null;

    private bool MustDecode(string? acceptEncoding) => ContentEncoding is { } coding && ContentCoding.CanDecode(coding) && !ContentCoding.Accepts(acceptEncoding, coding);

    private async ValueTask<UpstreamResponse> ThrowAsync(ValueTask<int> failure)
    {
        await failure;
        return this;
    }
}
