using ClaudeGateway.Credentials;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// The answer of an endpoint that speaks the Messages API itself, passed on as it is (spec/inference.md, Response).
/// </summary>
internal sealed class AnthropicResponse(Upstream upstream, HttpResponseMessage message)
    : UpstreamResponse(upstream, (int)message.StatusCode, message)
{
    private ValueTask<int> _firstByte;

    /// <summary>What has been read of the body to see what it is.</summary>
    private ReadOnlyMemory<byte> _begun;

    public override ValueTask<int> FirstByte => _firstByte;

    /// <summary>
    /// Looks whether the body has broken already, which the next upstream can make good, but does not wait for it: the
    /// client gets the headers first. Only an answer that is relayed for certain is looked at, since a begun read
    /// cannot be taken back.
    /// </summary>
    public override ValueTask<UpstreamResponse> StartedAsync(CancellationToken cancellation)
    {
        if (!Message!.IsSuccessStatusCode)
        {
            return base.StartedAsync(cancellation);
        }

        if (BytesToSee() is > 0 and var count)
        {
            return SeenAsync(count, cancellation);
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
    private Stream Body() => _begun.IsEmpty ? Message!.Content.ReadAsStream()
        : new BegunStream(_begun, Message!.Content.ReadAsStream());

    /// <summary>
    /// What some successes have to show before they are taken for one: a page for browsers is no model's answer, and a
    /// coding has a mark to begin with. No model's answer but a compressed one waits for that.
    /// </summary>
    private int BytesToSee() =>
        WebPage.IsTypeOf(ContentType) ? WebPage.BytesToSee
        : ContentEncoding is { } coding ? ContentCoding.MarkLength(coding)
        : 0;

    private async ValueTask<UpstreamResponse> SeenAsync(int count, CancellationToken cancellation)
    {
        try
        {
            var bytes = new byte[count];
            var length = await Body().ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, cancellation);
            _begun = bytes.AsMemory(0, length);
            return Problem(_begun.Span) is { } problem
                ? throw new UpstreamUnavailableException(problem) { Fault = UpstreamFault.UnusableAnswer } : this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private string? Problem(ReadOnlySpan<byte> beginning) =>
        WebPage.IsTypeOf(ContentType)
            ? ContentEncoding is not null || WebPage.IsBeginning(beginning)
                ? $"answered {Status} with a web page, which no model writes" : null
            : ContentCoding.HasMark(ContentEncoding!, beginning) ? null
                : $"the answer is not in its content coding, {ContentEncoding}";

    private string? ContentType => Message!.Content.Headers.NonValidated.TryGetValues("Content-Type", out var type)
        ? type.ToString() : null;

    private string? ContentEncoding =>
        Message!.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding)
        ? coding.ToString()
        : null;

    private bool MustDecode(string? acceptEncoding) =>
        ContentEncoding is { } coding && ContentCoding.CanDecode(coding)
        && !ContentCoding.Accepts(acceptEncoding, coding);

    private async ValueTask<UpstreamResponse> ThrowAsync(ValueTask<int> failure)
    {
        await failure;
        return this;
    }
}
