using ClaudeGateway.Upstreams.Bedrock;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>
/// An upstream's answer whose status is known and whose body is still to be read: passed on as it is, or translated
/// from the provider's dialect by the class that derives.
/// </summary>
/// <param name="status">What the client gets.</param>
/// <param name="message">The provider's answer; null when the upstream refused the request itself.</param>
internal abstract class UpstreamResponse(Upstream upstream, int status, HttpResponseMessage? message) : IDisposable
{
    public Upstream Upstream { get; } = upstream;

    protected HttpResponseMessage? Message { get; } = message;

    public int Status { get; } = status;

    /// <summary>
    /// What the failover rules judge: a provider may say "no such model" with another status than 404.
    /// </summary>
    public int FailoverStatus { get; init; } = status;

    /// <summary>Whether the gateway itself refused to send the request to this upstream, or to any other.</summary>
    public bool IsGatewaysRefusal { get; init; }

    /// <summary>
    /// The provider's own words of a refusal, for the operator alone: they may name accounts and roles. Null when they
    /// are in the body, or there are none.
    /// </summary>
    public string? OwnWords { get; init; }

    /// <summary>
    /// Whether it is a refusal of a thinking block that this upstream did not sign; known once it has been started.
    /// </summary>
    public bool RefusesThinking { get; set; }

    /// <summary>
    /// What the answer tells of the guardrail, whole once the body has been read; null when nobody asked.
    /// </summary>
    public GuardrailTrace? Guardrail { get; init; }

    /// <summary>
    /// The provider's id of the request, for the audit: <c>request-id</c>, else <c>x-amzn-requestid</c>.
    /// </summary>
    public string? RequestId { get; } = Header(message, "request-id") ?? Header(message, "x-amzn-requestid");

    /// <summary>The cloud's own id of the request, for the audit.</summary>
    public string? CloudRequestId { get; } = Header(message, "apim-request-id") ?? Header(message, "x-amzn-requestid");

    /// <summary>
    /// Whether the upstream failed after its answer had begun and the client was told so within the answer.
    /// </summary>
    public virtual bool HasBrokenOff => false;

    /// <summary>The audit's word for why the answer broke off, where it has one for that.</summary>
    public virtual string? BreakReason => null;

    /// <summary>
    /// Waits until there is something to send and gives what to send: this answer, or the failure with which its body
    /// began. No first-byte timeout runs any more. This answer is disposed when another one comes or an exception.
    /// </summary>
    /// <exception cref="IOException">The body ended or broke off before there was anything to send.</exception>
    public virtual ValueTask<UpstreamResponse> StartedAsync(CancellationToken cancellation) =>
        ValueTask.FromResult(this);

    /// <summary>Sets the client's response headers.</summary>
    /// <param name="acceptEncoding">What content codings the client takes; the body is decoded when it does not take
    /// the upstream's.</param>
    public abstract void CopyHeaders(IHeaderDictionary headers, string? acceptEncoding);

    /// <summary>The bytes for the client, as they come.</summary>
    public abstract Stream OpenBody(string? acceptEncoding);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            Message?.Dispose();
        }
    }

    protected static string? Header(HttpResponseMessage? message, string name) =>
        message is not null && message.Headers.NonValidated.TryGetValues(name, out var values)
        && values.ToString() is { Length: > 0 } value ? value : null;
}
