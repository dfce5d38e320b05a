using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ClaudeGateway.Logging;

/// <summary>
/// Who did what, for the security team: one JSON object a line on standard error, <c>ts</c> and <c>evt</c> first.
/// This part holds what every event shares; each feature adds its events in a partial file beside its code's name
/// (one method per event, field names and order as the reference writes them).
/// </summary>
internal sealed partial class AuditLog(StderrLines lines, TimeProvider clock)
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Utf8JsonWriter? ThreadWriter;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? ThreadBuffer;

    public void ConfigLoad(string path, string sha256)
    {
        var json = Begin("config.load");
        json.WriteString("path", path);
        json.WriteString("sha256", sha256);
        End(json);
    }

    public void AuthDenied(string requestId, string reason, string path, string clientIp)
    {
        var json = Begin("auth.denied");
        json.WriteString("request_id", requestId);
        json.WriteString("reason", reason);
        json.WriteString("path", path);
        json.WriteString("client_ip", clientIp);
        End(json);
    }

    /// <param name="xffHop">The X-Forwarded-For entry that could not be read, or null.</param>
    public void AccessDenied(string requestId, string reason, string clientIp, string? xffHop)
    {
        var json = Begin("access.denied");
        json.WriteString("request_id", requestId);
        json.WriteString("reason", reason);
        json.WriteString("client_ip", clientIp);
        if (xffHop is not null)
        {
            json.WriteString("xff_hop", xffHop);
        }

        End(json);
    }

    public void PublicClient(string requestId, string clientIp)
    {
        var json = Begin("access.public_client");
        json.WriteString("request_id", requestId);
        json.WriteString("client_ip", clientIp);
        End(json);
    }

    /// <summary>Starts an event on this thread's writer; <see cref="End"/> must follow on the same thread, without an await between.</summary>
    private Utf8JsonWriter Begin(string evt)
    {
        var buffer = ThreadBuffer ??= new ArrayBufferWriter<byte>(512);
        var json = ThreadWriter ??= new Utf8JsonWriter(buffer, WriterOptions);
        buffer.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        json.WriteString("ts", clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture));
        json.WriteString("evt", evt);
        return json;
    }

    private void End(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.Flush();
        var buffer = ThreadBuffer!;
        buffer.Write("\n"u8);
        lines.Write(buffer.WrittenSpan);
    }
}
