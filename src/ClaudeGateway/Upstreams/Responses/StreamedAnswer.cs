using ClaudeGateway.Logging;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses.Quiet;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// A streamed message of a cloud, translated event by event. None of the cloud's headers reach the client.
/// </summary>
internal sealed class StreamedAnswer(
    Upstream upstream, HttpResponseMessage message, EventTranslator translator, string requestId, BodyWatch watch,
    OperationalLog log)
    : UpstreamResponse(upstream, StatusCodes.Status200OK, message)
{
    private CloudStream? _stream;
    private StreamFailure? _failure;

    public override bool HasBrokenOff => _failure is not null;

    public override string? BreakReason => _failure?.Reason;

    /// <summary>
    /// As long as nothing has been sent, a failure is an answer like any other, which the next upstream can make good.
    /// </summary>
    public override async ValueTask<UpstreamResponse> StartedAsync(CancellationToken cancellation)
    {
        try
        {
            _stream = new CloudStream(
                await CloudBody.OpenAsync(Message!, cancellation), translator, requestId, watch, LogFailure);
            if (await _stream.StartAsync(cancellation) is not { } failure)
            {
                return this;
            }

            LogFailure(failure);
            return new WholeAnswer(Upstream, Message, failure.Error.Status, failure.Error.ToJson(requestId))
            {
                RefusesThinking = failure.Error.Status == StatusCodes.Status400BadRequest
                    && CapabilityRejection.IsThinkingSignature(failure.Detail),
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
        headers.ContentType = "text/event-stream";
        headers.CacheControl = "no-cache";
    }

    public override Stream OpenBody(string? acceptEncoding) =>
        _stream ?? throw new InvalidOperationException("the stream has not been started");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void LogFailure(StreamFailure failure)
    {
        _failure = failure;
        log.Warn(
            $"request {requestId}: upstream '{Upstream.Name}': upstream stream error: "
                + $"{LogText.Shorten(failure.Detail)}");
    }
}
