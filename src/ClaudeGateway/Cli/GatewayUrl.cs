using ClaudeGateway.Process;

namespace ClaudeGateway.Cli;

/// <summary>The address of a gateway as somebody writes it on a command line.</summary>
internal static class GatewayUrl
{
    /// <exception cref="OperatorException">It is no absolute http or https URL of a host alone.</exception>
    public static Uri Read(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0
            ? uri
            : throw new OperatorException(
                $"'{url}' is not a gateway's address: expected https://host or http://host:port, without a path");
}
