using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>The answer of an endpoint that speaks the Messages API itself, passed on as it is (spec/inference.md, Response).</summary>
internal sealed class AnthropicResponse(Upstream upstream, HttpResponseMessage message) : UpstreamResponse(upstream, (int)message.StatusCode, message)
{
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
        var body = Message!.Content.ReadAsStream();
        return MustDecode(acceptEncoding) ? ContentCoding.Decode(ContentEncoding!, body) : body;
    }

    private string? ContentEncoding => Message!.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding) ? coding.ToString() : null;

    private bool MustDecode(string? acceptEncoding) => ContentEncoding is { } coding && ContentCoding.CanDecode(coding) && !ContentCoding.Accepts(acceptEncoding, coding);
}
