using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Json;

namespace ClaudeGateway.Logging;

/// <summary>
/// Who did what, for the security team: one JSON object a line on standard error, <c>ts</c> and <c>evt</c> first. Here
/// is what every event shares; the events themselves are extension methods beside the feature they tell of, one method
/// an event, field names and order as the reference writes them. What they tell of is also counted, where it is worth a
/// counter: <see cref="Meter"/>.
/// </summary>
internal sealed class AuditLog(StderrLines lines, GatewayMeter meter, TimeProvider clock)
{
    private IAuditCopy? _copy;

    public AuditLog(StderrLines lines, TimeProvider clock)
        : this(lines, new GatewayMeter(), clock)
    {
    }

    public GatewayMeter Meter => meter;

    /// <summary>Also hands every event from here on to another receiver.</summary>
    public void CopyTo(IAuditCopy copy) => Volatile.Write(ref _copy, copy);

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static Utf8JsonWriter? ThreadWriter;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? ThreadBuffer;

    /// <summary>
    /// Starts an event on this thread's writer; <see cref="End"/> must follow on the same thread, without an await
    /// between.
    /// </summary>
    public Utf8JsonWriter Begin(string evt)
    {
        var buffer = ThreadBuffer ??= new ArrayBufferWriter<byte>(512);
        var json = ThreadWriter ??= new Utf8JsonWriter(buffer, WriterOptions);
        buffer.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        Span<byte> time = stackalloc byte[Rfc3339.MillisecondsLength];
        Rfc3339.Milliseconds(clock.GetUtcNow(), time);
        json.WriteString("ts"u8, time);
        json.WriteString("evt", evt);
        return json;
    }

    /// <summary>
    /// An event of one request: <see cref="Begin(string)"/> with the request's id as its first member.
    /// </summary>
    public Utf8JsonWriter Begin(string evt, string requestId)
    {
        var json = Begin(evt);
        json.WriteString("request_id", requestId);
        return json;
    }

    /// <summary>Ends the event and writes its line; it never throws into the request that it tells of.</summary>
    public void End(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.Flush();
        var buffer = ThreadBuffer!;
        Volatile.Read(ref _copy)?.Take(buffer.WrittenSpan);
        buffer.Write("\n"u8);
        lines.Write(buffer.WrittenSpan);
    }
}

/// <summary>Gets every audit event that standard error gets.</summary>
internal interface IAuditCopy
{
    /// <summary>Never blocks and never throws.</summary>
    /// <param name="line">One JSON object; only valid during the call.</param>
    public void Take(ReadOnlySpan<byte> line);
}
