using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>The audit event of <c>guardrail_trace</c> (spec/newest.md).</summary>
internal static class GuardrailAudit
{
    /// <summary>One per answer that a guardrail changed or in which it found something; never what was found.</summary>
    public static void GuardrailTrace(this AuditLog audit, in GuardrailTraceEvent e)
    {
        var json = audit.Begin("guardrail.trace", e.RequestId);
        json.WriteString("sub", e.Sub);
        json.WriteOptional("email", e.Email);
        json.WriteString("upstream", e.Upstream);
        json.WriteOptional("action", e.Action);
        json.WriteStartArray("filters");
        foreach (var filter in e.Filters)
        {
            Write(json, filter);
        }

        json.WriteEndArray();
        if (e.FiltersDropped > 0)
        {
            json.WriteNumber("filters_dropped", e.FiltersDropped);
        }

        audit.End(json);
    }

    private static void Write(Utf8JsonWriter json, GuardrailFilter filter)
    {
        json.WriteStartObject();
        json.WriteString("side", filter.Side);
        json.WriteString("guardrail", filter.Guardrail);
        json.WriteString("policy", filter.Policy);
        Write(json, "action", filter.Action);
        Write(json, "name", filter.Name);
        Write(json, "type", filter.Type);
        Write(json, "confidence", filter.Confidence);
        Write(json, "filterStrength", filter.FilterStrength);
        Write(json, "score", filter.Score);
        Write(json, "threshold", filter.Threshold);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, GuardrailWord? word)
    {
        if (word is not { } given)
        {
            return;
        }

        json.WritePropertyName(name);
        if (given.IsNumber)
        {
            json.WriteRawValue(given.Text);
        }
        else
        {
            json.WriteStringValue(given.Text);
        }
    }
}

/// <summary>The facts of one <c>guardrail.trace</c> event.</summary>
/// <param name="Upstream">The name of the upstream that answered.</param>
/// <param name="Action">As the answer says it; null when it does not.</param>
/// <param name="FiltersDropped">How many more there were than the event names.</param>
internal readonly record struct GuardrailTraceEvent(
    string RequestId, string Sub, string? Email, string Upstream, string? Action,
    IReadOnlyList<GuardrailFilter> Filters, int FiltersDropped);

/// <summary>
/// One thing a guardrail found, without what it found it in. Members are null where the trace has none.
/// </summary>
/// <param name="Side">input or output.</param>
/// <param name="Guardrail">The guardrail's id, or its ARN.</param>
/// <param name="Policy">The list of the trace it stood in, such as <c>topicPolicy.topics</c>.</param>
internal sealed record GuardrailFilter(string Side, string Guardrail, string Policy)
{
    public GuardrailWord? Action { get; init; }

    public GuardrailWord? Name { get; init; }

    public GuardrailWord? Type { get; init; }

    public GuardrailWord? Confidence { get; init; }

    public GuardrailWord? FilterStrength { get; init; }

    public GuardrailWord? Score { get; init; }

    public GuardrailWord? Threshold { get; init; }
}

/// <summary>A text or a number of a trace; <paramref name="Text"/> is the number's JSON.</summary>
internal readonly record struct GuardrailWord(string Text, bool IsNumber);
