using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>
/// Reads the events out of Bedrock's binary stream: each <c>chunk</c> message holds one as base64 in
/// <c>{"bytes":…}</c>; exception and error messages end the stream; foreign messages are passed over.
/// </summary>
/// <param name="trace">Takes out what the events tell of the guardrail; null leaves it in.</param>
internal sealed class BedrockTranslator(IReadOnlyList<string> betas, GuardrailTrace? trace = null)
    : EventTranslator(betas)
{
    private readonly EventStreamReader _reader = new();
    private byte[] _decoded = new byte[1024];

    public override StreamFailure? Translate(ReadOnlySpan<byte> bytes, IBufferWriter<byte> events)
    {
        _reader.Append(bytes);
        while (true)
        {
            switch (_reader.TryRead(out var message))
            {
                case EventStreamStatus.NeedsMore:
                    return null;
                case EventStreamStatus.Corrupt:
                    return StreamFailure.Broken("the event stream is corrupt: a length or checksum is wrong");
                default:
                    if (Take(message, events) is { } failure)
                    {
                        return failure;
                    }

                    break;
            }
        }
    }

    protected override StreamFailure? Flush(IBufferWriter<byte> events) =>
        _reader.Pending > 0 ? EndedInsideEvent() : null;

    protected override ReadOnlySpan<byte> Passed(ReadOnlySpan<byte> json) => trace is null ? json : trace.Take(json);

    private StreamFailure? Take(EventStreamMessage message, IBufferWriter<byte> events)
    {
        var kind = message.Header(":message-type"u8);
        if (kind.SequenceEqual("exception"u8))
        {
            return StreamFailure.FromException(
                Encoding.UTF8.GetString(message.Header(":exception-type"u8)), message.Payload.ToArray(), Betas);
        }

        if (kind.SequenceEqual("error"u8))
        {
            return StreamFailure.Broken(
                $"{Encoding.UTF8.GetString(message.Header(":error-code"u8))}: "
                    + $"{Encoding.UTF8.GetString(message.Header(":error-message"u8))}");
        }

        if (!message.Header(":event-type"u8).SequenceEqual("chunk"u8))
        {
            return null;
        }

        var length = DecodeBytes(message.Payload);
        return length < 0
            ? StreamFailure.Broken("a chunk has no base64 bytes")
            : Write(default, _decoded.AsSpan(0, length), events);
    }

    /// <summary>Decodes the member <c>bytes</c> and gives its length, or -1 when there is none.</summary>
    private int DecodeBytes(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return -1;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isBytes = reader.TextIs("bytes"u8);
                reader.Read();
                if (isBytes && reader.TokenType == JsonTokenType.String)
                {
                    return Decode(ref reader);
                }

                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second for an escaped lone surrogate, which is JSON and no text.
        }

        return -1;
    }

    private int Decode(ref Utf8JsonReader reader)
    {
        if (_decoded.Length < reader.ValueSpan.Length)
        {
            _decoded = new byte[Math.Max(reader.ValueSpan.Length, _decoded.Length * 2)];
        }

        var encoded = reader.ValueSpan;
        if (reader.ValueIsEscaped)
        {
            encoded = _decoded.AsSpan(0, reader.CopyString(_decoded));
        }

        var status = reader.ValueIsEscaped
            ? Base64.DecodeFromUtf8InPlace(_decoded.AsSpan(0, encoded.Length), out var written)
            : Base64.DecodeFromUtf8(encoded, _decoded, out _, out written);
        return status == OperationStatus.Done ? written : -1;
    }
}
