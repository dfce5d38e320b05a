using ClaudeGateway.Config;

namespace ClaudeGateway.Http;

/// <summary>
/// The origin developers reach the gateway under: <c>listen.public_url</c>, never a header of the request. Only a
/// gateway on loopback may go without, or one that answers loopback names alone (<see cref="LoopbackNames"/>); then the
/// Host header stands in (spec/auth.md, Discovery).
/// </summary>
internal sealed class PublicOrigin(ListenConfig listen)
{
    /// <summary>Without a trailing slash.</summary>
    public string Of(GatewayRequest request) => listen.PublicUrl ?? $"http://{request.Http.Request.Host.Value}";

    public bool IsHttps => listen.PublicUrl?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Whether an Origin header names this origin; scheme and host compare without letter case.</summary>
    public bool Is(string origin, GatewayRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var other)
        && Uri.TryCreate(Of(request), UriKind.Absolute, out var own)
        && Uri.Compare(
            other, own, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
