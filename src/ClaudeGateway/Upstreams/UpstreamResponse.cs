using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// An upstream's answer whose headers have arrived and whose body is still to be read. This form passes the Anthropic
/// dialect on as it is; a translating upstream derives its own.
/// </summary>
internal class UpstreamResponse(Upstream upstream, HttpResponseMessage message) : IDisposable
{
    public Upstream Upstream { get; } = upstream;

    public int Status { get; } = (int)message.StatusCode;

    /// <summary>The provider's id of the request, for the audit: <c>request-id</c>, else <c>x-amzn-requestid</c>.</summary>
    public string? RequestId { get; } = Header(message, "request-id") ?? Header(message, "x-amzn-requestid");

    /// <summary>The cloud's own id of the request, for the audit.</summary>
    public string? CloudRequestId { get; } = Header(message, "apim-request-id") ?? Header(message, "x-amzn-requestid");

    /// <summary>Sets the client's response headers.</summary>
    /// <param name="acceptEncoding">What content codings the client takes; the body is decoded when it does not take the upstream's.</param>
    public virtual void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
    {
        var decoded = MustDecode(acceptEncoding);
        ResponseHeaders.Copy(message.Headers.NonValidated, headers);
        ResponseHeaders.Copy(message.Content.Headers.NonValidated, headers);
        if (decoded)
        {
            headers.ContentEncoding = default;
            headers.ContentLength = null;
        }
    }

    /// <summary>The bytes for the client, as they come.</summary>
    public virtual Stream OpenBody(string? acceptEncoding)
    {
        var body = message.Content.ReadAsStream();
        return MustDecode(acceptEncoding) ? ContentCoding.Decode(ContentEncoding!, body) : body;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            message.Dispose();
        }
    }

    private string? ContentEncoding => message.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding) ? coding.ToString() : null;

    private bool MustDecode(string? acceptEncoding) => ContentEncoding is { } coding && ContentCoding.CanDecode(coding) && !ContentCoding.Accepts(acceptEncoding, coding);

    private static string? Header(HttpResponseMessage message, string name) =>
        message.Headers.NonValidated.TryGetValues(name, out var values) && values.ToString() is { Length: > 0 } value ? value : null;
}
