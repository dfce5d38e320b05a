using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Turns what a cloud streams into the events of the Messages API, byte for byte where a cloud sends them as they are
/// (spec/clouds.md, Responses). Pings are dropped: the gateway sends its own. Unknown events pass. Not thread-safe; one
/// per response.
/// </summary>
/// <param name="betas">The beta values the request was sent with; they explain some failures.</param>
internal abstract class EventTranslator(IReadOnlyList<string> betas)
{
    private bool _isComplete;

    protected IReadOnlyList<string> Betas => betas;

    /// <summary>
    /// Appends the events that <paramref name="bytes"/> completes. After a failure nothing more may be translated.
    /// </summary>
    /// <returns>Null while all is well.</returns>
    public abstract StreamFailure? Translate(ReadOnlySpan<byte> bytes, IBufferWriter<byte> events);

    /// <summary>Judges the end of the upstream's bytes.</summary>
    /// <returns>Null when the message was complete.</returns>
    public StreamFailure? End(IBufferWriter<byte> events) =>
        Flush(events)
        ?? (_isComplete ? null : StreamFailure.Broken("the stream ended before message_stop"));

    /// <summary>
    /// Appends an event that only lacks its end mark; an event of which a part is missing is a failure.
    /// </summary>
    protected abstract StreamFailure? Flush(IBufferWriter<byte> events);

    protected static StreamFailure EndedInsideEvent() => StreamFailure.Broken("the stream ended inside an event");

    /// <summary>Appends one event.</summary>
    /// <param name="name">Its name, or empty to take it from the data's <c>type</c>.</param>
    /// <param name="json">Its data.</param>
    protected StreamFailure? Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json, IBufferWriter<byte> events)
    {
        if (!TryReadType(json, out var type))
        {
            // Behind the end of the message some endpoints say "[DONE]".
            return _isComplete ? null : StreamFailure.Broken("an event is not JSON");
        }

        name = name.IsEmpty ? type : name;
        if (name.SequenceEqual("ping"u8))
        {
            return null;
        }

        if (name.SequenceEqual("error"u8))
        {
            return StreamFailure.FromErrorEvent(json.ToArray(), betas);
        }

        if (name.IsEmpty)
        {
            return StreamFailure.Broken("an event has no type");
        }

        _isComplete |= name.SequenceEqual("message_stop"u8);
        Append(name, Passed(json), events);
        return null;
    }

    /// <summary>What the client is given of an event's data, which is a JSON object.</summary>
    protected virtual ReadOnlySpan<byte> Passed(ReadOnlySpan<byte> json) => json;

    private static void Append(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json, IBufferWriter<byte> events)
    {
        var span = events.GetSpan("event: \ndata: \n\n"u8.Length + name.Length + json.Length);
        var rest = Put(span, "event: "u8);
        rest = Put(rest, name);
        rest = Put(rest, "\ndata: "u8);
        var data = rest[..json.Length];
        rest = Put(rest, json);
        rest = Put(rest, "\n\n"u8);
        // Only between tokens: inside a string JSON has no raw line break. In SSE it would end the data line.
        data.Replace((byte)'\n', (byte)' ');
        data.Replace((byte)'\r', (byte)' ');
        events.Advance(span.Length - rest.Length);
    }

    private static Span<byte> Put(Span<byte> to, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(to);
        return to[bytes.Length..];
    }

    /// <summary>
    /// False when the text is not a JSON object. An object without a plain <c>type</c> gives an empty one.
    /// </summary>
    private static bool TryReadType(ReadOnlySpan<byte> json, out ReadOnlySpan<byte> type)
    {
        type = default;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 512 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName
                    && reader.TextIs("type"u8))
                {
                    reader.Read();
                    type = reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped
                        ? reader.ValueSpan
                        : default;
                }
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
