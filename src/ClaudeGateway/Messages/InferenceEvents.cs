using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Usage;

namespace ClaudeGateway.Messages;

/// <summary>Audit events of inference (spec/inference.md, Audit).</summary>
internal static class InferenceEvents
{
    /// <summary>One per request, when its response starts.</summary>
    public static void Inference(this AuditLog audit, in InferenceEvent e)
    {
        var json = audit.Begin("inference", e.RequestId);
        json.WriteString("sub", e.Sub);
        json.WriteOptional("email", e.Email);
        json.WriteString("path", e.Path);
        json.WriteNullable("model", e.Model);
        json.WriteNullable("upstream", e.Upstream);
        json.WriteNullable("upstream_request_id", e.UpstreamRequestId);
        json.WriteNullable("upstream_cloud_request_id", e.UpstreamCloudRequestId);
        if (e.BillingGroup is { } group)
        {
            json.WriteString("billing_group", group);
        }
        else if (e.BillingGroupIgnored)
        {
            json.WriteBoolean("billing_group_ignored", true);
        }

        if (e.IsLoadTest)
        {
            json.WriteBoolean("load_test", true);
        }

        json.WriteNumber("status", e.Status);
        json.WriteNumber("ms", e.Milliseconds);
        audit.End(json);
    }

    /// <summary>
    /// Ours, beside the reference's event: how the answer ended that <see cref="Inference"/> saw begin.
    /// </summary>
    public static void InferenceEnd(this AuditLog audit, in InferenceEndEvent e)
    {
        var json = audit.Begin("inference.end", e.RequestId);
        json.WriteString("end", e.End);
        json.WriteOptional("reason", e.Reason);
        json.WriteNumber("bytes", e.Bytes);
        json.WriteNumber("attempts", e.Attempts);
        if (e.Usage is { } tokens)
        {
            json.WriteNumber("input_tokens", tokens.Input);
            json.WriteNumber("output_tokens", tokens.Output);
            json.WriteNumber("cache_read_tokens", tokens.CacheRead);
            json.WriteNumber("cache_write_tokens", tokens.CacheWrite5m + tokens.CacheWrite1h);
        }

        if (e.MillisecondsToFirstByte is { } first)
        {
            json.WriteNumber("ms_first_byte", first);
        }
        else
        {
            json.WriteNull("ms_first_byte");
        }

        json.WriteNumber("ms", e.Milliseconds);
        if (e.Cost is { } billed)
        {
            json.WriteString("cents", billed.ToString());
        }

        json.WriteOptional("request_class", e.RequestClass);
        json.WriteOptional("settings", e.Settings);
        audit.End(json);
    }
}

/// <summary>The facts of one <c>inference</c> event.</summary>
/// <param name="Model">The client's string; null when the gateway refused the request.</param>
/// <param name="Upstream">The name of the upstream that answered; null when none did.</param>
/// <param name="BillingGroup">The group the request's tag bills, when the developer is in it.</param>
/// <param name="BillingGroupIgnored">Whether there is such a tag that names no group of the developer.</param>
internal readonly record struct InferenceEvent(
    string RequestId, string Sub, string? Email, string Path, string? Model, string? Upstream,
    string? UpstreamRequestId, string? UpstreamCloudRequestId,
    string? BillingGroup, bool BillingGroupIgnored, bool IsLoadTest, int Status, long Milliseconds);

/// <summary>The facts of one <c>inference.end</c> event.</summary>
internal readonly record struct InferenceEndEvent
{
    public required string RequestId { get; init; }

    /// <summary>complete, upstream_cut or client_gone.</summary>
    public required string End { get; init; }

    /// <summary>Why the upstream's answer was cut, where there is a word for it: idle_timeout.</summary>
    public string? Reason { get; init; }

    /// <summary>Body bytes sent to the client.</summary>
    public required long Bytes { get; init; }

    /// <summary>Upstreams asked, the answering one included.</summary>
    public required int Attempts { get; init; }

    /// <summary>
    /// What the answer says it used, or what was estimated for one that was cut; null when nobody read along.
    /// </summary>
    public TokenUsage? Usage { get; init; }

    /// <summary>Null when no body byte came.</summary>
    public long? MillisecondsToFirstByte { get; init; }

    public required long Milliseconds { get; init; }

    /// <summary>What the answer was billed; null when it was not metered.</summary>
    public Money? Cost { get; init; }

    /// <summary>What the client says the request is for; null when it does not.</summary>
    public string? RequestClass { get; init; }

    /// <summary>
    /// First digits of the checksum of the managed settings the client runs with; null when it does not say.
    /// </summary>
    public string? Settings { get; init; }
}
