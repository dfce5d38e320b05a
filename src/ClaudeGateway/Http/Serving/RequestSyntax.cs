using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Http.Serving;

/// <summary>
/// What the server lets through though the standards forbid it, and a proxy in front may read in another way: names of
/// header fields that are none (RFC 9110 section 5.1), transfer codings other than one <c>chunked</c> (RFC 9112 section
/// 6.1), and in HTTP/2 fields that speak of an HTTP/1 connection (RFC 9113 section 8.2.2).
/// </summary>
internal static class RequestSyntax
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly string[] ConnectionFields =
        ["Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"];

    /// <summary>Whether the request's head may be believed; else it is answered with 400.</summary>
    public static bool IsSound(HttpRequest request)
    {
        foreach (var (name, _) in request.Headers)
        {
            if (name.AsSpan().ContainsAnyExcept(TokenChars))
            {
                return false;
            }
        }

        return HttpProtocol.IsHttp2(request.Protocol)
            ? !Array.Exists(ConnectionFields, request.Headers.ContainsKey)
            : request.Headers.TransferEncoding is [] || IsChunkedAlone(request.Headers.TransferEncoding);
    }

    private static bool IsChunkedAlone(StringValues codings) =>
        codings is [{ } coding] && coding.Equals("chunked", StringComparison.OrdinalIgnoreCase);
}
