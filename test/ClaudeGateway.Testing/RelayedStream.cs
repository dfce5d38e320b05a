using System.Net;
using ClaudeGateway.Http;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Messages;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClaudeGateway.Testing;

/// <summary>
/// The real relay between an upstream that sends an event whenever <see cref="Next"/> is called and a client that takes
/// everything. All of it happens on the calling thread, which must have no synchronisation context.
/// </summary>
internal sealed class RelayedStream
{
    private readonly SteppedStream _events;
    private readonly Task<RelayResult> _relay;

    /// <param name="usage">Reads along; null for nobody.</param>
    /// <param name="translate">What the client is sent in place of the upstream's own bytes.</param>
    public RelayedStream(byte[] streamEvent, UsageReader? usage, Func<Stream, Stream>? translate = null)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        _events = new SteppedStream(streamEvent);
        _relay = new ResponseRelay(
            new InferenceMeters(new GatewayMeter(), new GroupLabels([])), TimeProvider.System).RelayAsync(
            new GatewayRequest(http, "req-1", IPAddress.Loopback, 0),
            new Answer(translate?.Invoke(_events) ?? _events),
            null,
            usage,
            isStream: true);
    }

    public void Next() => _events.Next();

    public Task<RelayResult> EndAsync()
    {
        _events.End();
        return _relay;
    }

    /// <summary>An answer whose bytes are those of a stream.</summary>
    private sealed class Answer(Stream body) : UpstreamResponse(null!, StatusCodes.Status200OK, null)
    {
        public override void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding)
        {
        }

        public override Stream OpenBody(string? acceptEncoding) => body;
    }
}
