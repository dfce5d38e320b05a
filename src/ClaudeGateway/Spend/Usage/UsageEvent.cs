using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Spend.Usage;

internal enum UsageEventKind
{
    Other,
    Start,
    Delta,
}

/// <summary>
/// An event of a message stream as far as metering reads it: its type, and its usage wherever that type keeps it.
/// </summary>
internal readonly record struct UsageEvent(UsageEventKind Kind, ReportedUsage? Usage)
{
    /// <exception cref="JsonException">The event is broken.</exception>
    public static UsageEvent Read(ref Utf8JsonReader json)
    {
        var kind = UsageEventKind.Other;
        ReportedUsage? atRoot = null;
        ReportedUsage? inMessage = null;
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.TextIs("type"u8))
            {
                json.Read();
                kind = json.TokenType != JsonTokenType.String ? UsageEventKind.Other
                    : json.TextIs("message_start"u8) ? UsageEventKind.Start
                    : json.TextIs("message_delta"u8) ? UsageEventKind.Delta
                    : UsageEventKind.Other;
                json.Skip();
            }
            else if (json.TextIs("usage"u8))
            {
                atRoot = ReadUsage(ref json);
            }
            else if (json.TextIs("message"u8))
            {
                inMessage = ReadMessage(ref json);
            }
            else
            {
                json.Skip();
            }
        }

        return new UsageEvent(
            kind, kind switch { UsageEventKind.Start => inMessage, UsageEventKind.Delta => atRoot, _ => null });
    }

    private static ReportedUsage? ReadMessage(ref Utf8JsonReader json)
    {
        ReportedUsage? usage = null;
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return null;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.TextIs("usage"u8))
            {
                usage = ReadUsage(ref json);
            }
            else
            {
                json.Skip();
            }
        }

        return usage;
    }

    private static ReportedUsage? ReadUsage(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.StartObject)
        {
            return ReportedUsage.Read(ref json);
        }

        json.Skip();
        return null;
    }
}
