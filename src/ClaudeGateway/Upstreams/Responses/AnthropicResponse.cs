using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses.Quiet;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// The answer of an endpoint that speaks the Messages API itself, passed on as it is (spec/inference.md, Response). A
/// stream's content coding is undone, so that pings can be put between its events.
/// </summary>
internal sealed class AnthropicResponse(
    Upstream upstream, HttpResponseMessage message, UpstreamCall call, BodyWatch watch, OperationalLog log)
    : UpstreamResponse(upstream, (int)message.StatusCode, message)
{
    /// <summary>Enough for every cause a provider writes.</summary>
    private const int MaxRefusalBytes = 16 * 1024;

    private static readonly TimeSpan RefusalPatience = TimeSpan.FromSeconds(10);

    private WatchedBody? _body;
    private StreamFailure? _failure;

    public override bool HasBrokenOff => _failure is not null;

    public override string? BreakReason => _failure?.Reason;

    /// <summary>Whether events were asked for and may be coming.</summary>
    private bool IsStream => Message!.IsSuccessStatusCode && call.IsStreamed;

    private bool IsDecodedStream => IsStream && ContentEncoding is { } coding && ContentCoding.CanDecode(coding);

    /// <summary>Not one in an unknown content coding.</summary>
    private bool IsReadable => IsStream && (ContentEncoding is null || IsDecodedStream);

    private bool IsReadableStream =>
        IsReadable && ContentType is { } type
        && type.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);

    public override async ValueTask<UpstreamResponse> StartedAsync(CancellationToken cancellation)
    {
        try
        {
            _body = Watch();
            await _body.StartAsync(cancellation);
            RefusesThinking = Status == StatusCodes.Status400BadRequest && await RefusesThinkingAsync(cancellation);
            if (BytesToSee() is > 0 and var count)
            {
                var begun = await _body.PeekAsync(count, watch.IdleTimeout, cancellation);
                if (Problem(begun.Span[..Math.Min(count, begun.Length)]) is { } problem)
                {
                    throw new UpstreamUnavailableException(problem) { Fault = UpstreamFault.UnusableAnswer };
                }
            }

            return this;
        }
        catch (Exception e) when (ContentCoding.IsBroken(e))
        {
            Dispose();
            throw new UpstreamUnavailableException($"the answer's content coding is broken: {e.Message}", e)
            {
                Fault = UpstreamFault.UnusableAnswer,
            };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
    {
        ResponseHeaders.Copy(Message!.Headers.NonValidated, headers);
        ResponseHeaders.Copy(Message!.Content.Headers.NonValidated, headers);
        if (IsDecodedStream || MustDecode(acceptEncoding))
        {
            headers.ContentEncoding = default;
            headers.ContentLength = null;
        }
        else if (IsReadableStream)
        {
            // Pings come on top.
            headers.ContentLength = null;
        }
    }

    public override Stream OpenBody(string? acceptEncoding)
    {
        var body = _body ??= Watch();
        return !IsDecodedStream && MustDecode(acceptEncoding) ? ContentCoding.Decode(ContentEncoding!, body) : body;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>It is there with the headers: nothing blocks.</summary>
    private WatchedBody Watch()
    {
        var body = Message!.Content.ReadAsStream();
        return new WatchedBody(IsDecodedStream ? ContentCoding.Decode(ContentEncoding!, body) : body, watch, BrokenOff)
        {
            EventsFor = IsReadableStream ? call.Request.Id : null,
            RefusesOtherText = IsReadable,
            TakesMessages = Upstream is AnthropicUpstream,
        };
    }

    private async ValueTask<bool> RefusesThinkingAsync(CancellationToken cancellation)
    {
        var begun = await _body!.PeekAsync(MaxRefusalBytes, RefusalPatience, cancellation);
        var text = new byte[MaxRefusalBytes];
        try
        {
            await using var body = ContentCoding.Decode(ContentEncoding ?? "", new MemoryStream(begun.ToArray()));
            var length = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellation);
            return CapabilityRejection.IsThinkingSignature(UpstreamErrorBody.Read(text.AsMemory(0, length)).Text);
        }
        catch (Exception e) when (ContentCoding.IsBroken(e))
        {
            return false;
        }
    }

    private void BrokenOff(StreamFailure failure)
    {
        _failure = failure;
        log.Warn($"request {call.Request.Id}: upstream '{Upstream.Name}' broke off: {failure.Detail}");
    }

    /// <summary>
    /// What some successes have to show before they are taken for one: a page for browsers is no model's answer, and a
    /// coding has a mark to begin with. No model's answer but a compressed one waits for that.
    /// </summary>
    private int BytesToSee() =>
        !Message!.IsSuccessStatusCode ? 0
        : WebPage.IsTypeOf(ContentType) ? WebPage.BytesToSee
        : ContentEncoding is { } coding && !IsDecodedStream ? ContentCoding.MarkLength(coding)
        : 0;

    private string? Problem(ReadOnlySpan<byte> beginning) =>
        WebPage.IsTypeOf(ContentType)
            ? ContentEncoding is not null || WebPage.IsBeginning(beginning)
                ? $"answered {Status} with a web page, which no model writes" : null
            : ContentCoding.HasMark(ContentEncoding!, beginning) ? null
                : $"the answer is not in its content coding, {ContentEncoding}";

    private string? ContentType { get; } = ContentHeader(message, "Content-Type");

    private string? ContentEncoding { get; } = ContentHeader(message, "Content-Encoding");

    private static string? ContentHeader(HttpResponseMessage message, string name) =>
        message.Content.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private bool MustDecode(string? acceptEncoding) =>
        ContentEncoding is { } coding && ContentCoding.CanDecode(coding)
        && !ContentCoding.Accepts(acceptEncoding, coding);
}
