using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Process;

namespace ClaudeGateway.Observability.Audit;

/// <summary>
/// Audit events as OTLP logs in its JSON encoding (OpenTelemetry Protocol 1.5, <c>ExportLogsServiceRequest</c>): the
/// event's name, and the event itself as the body.
/// </summary>
/// <param name="instance">This process among the replicas.</param>
/// <param name="withIdentities">Whether events name people as standard error does.</param>
internal sealed class OtlpLogs(string instance, bool withIdentities)
{
    private const int MaxEvents = 1000;
    private const int Info = 9; // SEVERITY_NUMBER_INFO

    /// <summary>Digits of a hash that stand for a person: enough to tell a company's people apart.</summary>
    private const int PseudonymDigits = 16;

    /// <summary>Exports of at most a thousand events each.</summary>
    /// <param name="lines">Events, each ended by a newline.</param>
    public IEnumerable<byte[]> Exports(ReadOnlyMemory<byte> lines)
    {
        while (lines.Length > 0)
        {
            var body = new ArrayBufferWriter<byte>(64 * 1024);
            using (var json = new Utf8JsonWriter(body))
            {
                Begin(json);
                for (var i = 0; i < MaxEvents && lines.Length > 0; i++)
                {
                    var end = lines.Span.IndexOf((byte)'\n');
                    Write(json, lines[..end]);
                    lines = lines[(end + 1)..];
                }

                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }

            yield return body.WrittenSpan.ToArray();
        }
    }

    private void Begin(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("resourceLogs");
        json.WriteStartObject();
        json.WriteStartObject("resource");
        json.WriteStartArray("attributes");
        Attribute(json, "service.name", "claude-gateway");
        Attribute(json, "service.version", GatewayVersion.Text);
        Attribute(json, "service.instance.id", instance);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartArray("scopeLogs");
        json.WriteStartObject();
        json.WriteStartObject("scope");
        json.WriteString("name", GatewayMeter.Name + ".audit");
        json.WriteEndObject();
        json.WriteStartArray("logRecords");
    }

    private void Write(Utf8JsonWriter json, ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line);
        var audit = document.RootElement;
        var name = audit.GetProperty("evt").GetString()!;
        json.WriteStartObject();
        json.WriteString("timeUnixNano", Nanoseconds(audit.GetProperty("ts").GetDateTimeOffset()));
        json.WriteNumber("severityNumber", Info);
        json.WriteString("severityText", "INFO");
        json.WriteString("eventName", name);
        json.WriteStartObject("body");
        json.WriteString("stringValue", withIdentities ? Encoding.UTF8.GetString(line.Span) : WithoutPeople(audit));
        json.WriteEndObject();
        json.WriteStartArray("attributes");
        Attribute(json, "event.name", name);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>
    /// Members that name a person are left out, or say by part of a hash that it is the same one as elsewhere.
    /// </summary>
    private static string WithoutPeople(JsonElement audit)
    {
        var isOfUser = audit.TryGetProperty("scope_type", out var scope) && scope.ValueEquals("user");
        var text = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            foreach (var member in audit.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "email":
                        break;
                    case "sub" or "actor":
                    case "scope_id" when isOfUser:
                        if (member.Value.ValueKind == JsonValueKind.String)
                        {
                            json.WriteString($"{member.Name}_sha256", Pseudonym(member.Value.GetString()!));
                        }

                        break;
                    default:
                        member.WriteTo(json);
                        break;
                }
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    private static string Pseudonym(string person) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(person)))[..PseudonymDigits];

    private static string Nanoseconds(DateTimeOffset time) =>
        ((time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString(CultureInfo.InvariantCulture);

    private static void Attribute(Utf8JsonWriter json, string key, string value)
    {
        json.WriteStartObject();
        json.WriteString("key", key);
        json.WriteStartObject("value");
        json.WriteString("stringValue", value);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
