using System.Text;
using System.Text.Encodings.Web;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Net;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Http;

/// <summary>
/// A gateway that is open to the network and was not told its public URL answers only where a request names the asking
/// machine itself (localhost, 127.0.0.0/8, [::1]), as with a published port of a container. Judged by the Host header:
/// the peer is then the container network's bridge. Whoever forges that header gets a link to their own machine and
/// nothing else; a page elsewhere cannot forge it, which also keeps DNS rebinding out.
/// </summary>
internal sealed class LoopbackNames(ListenConfig listen, OperationalLog log)
{
    private const string ContentSecurityPolicy =
        "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

    private int _isSaid;

    /// <summary>Probes come under whatever name the platform has for the container.</summary>
    public bool Serves(GatewayRequest request) =>
        !listen.ServesLoopbackNamesOnly
        || AddressRules.IsLoopbackHost(request.Http.Request.Host.Host)
        || request.Path is "/healthz" or "/readyz";

    /// <summary>Says what to set: 421, as a page to browsers and in the error envelope to everybody else.</summary>
    public Task RefuseAsync(GatewayRequest request)
    {
        var host = request.Http.Request.Host;
        var example = $"PUBLIC_URL=https://{(IsName(host.Host) ? host.Host : "claude-gateway.example.com")}";
        if (Interlocked.Exchange(ref _isSaid, 1) == 0)
        {
            log.Warn(
                "a request under another name than localhost was refused: without PUBLIC_URL only this machine's own "
                    + $"names are served. Set the address that developers use, such as {example} (said once)");
        }

        Answers.NoStore(request);
        const int Status = StatusCodes.Status421MisdirectedRequest;
        if (!IsBrowser(request.Http.Request))
        {
            return new ApiError(
                Status,
                "invalid_request_error",
                "this gateway was not told its public URL and serves only localhost: its operator has to set PUBLIC_URL to "
                    + $"the address that developers use, such as {example}").WriteAsync(request);
        }

        request.Http.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return Answers.WriteAsync(request, Status, Answers.Html, Encoding.UTF8.GetBytes(Page(example)));
    }

    private static bool IsBrowser(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it may be repeated as an example to copy.</summary>
    private static bool IsName(string host) =>
        host.Length is > 0 and <= 253 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
        && Uri.CheckHostName(host) == UriHostNameType.Dns;

    private static string Page(string example) =>
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <meta name="robots" content="noindex">
        <title>PUBLIC_URL is not set · Claude gateway</title>
        </head>
        <body>
        <h1>PUBLIC_URL is not set</h1>
        <p>This gateway was started without the address under which developers reach it. Until it is set, only requests
          for <code>localhost</code> are served, as through a port on your own machine.</p>
        <p>If you run it: set the environment variable <code>PUBLIC_URL</code> to that address (scheme, host and port)
          and start it again, for example</p>
        <pre>{HtmlEncoder.Default.Encode(example)}</pre>
        <p>and register the same address followed by <code>/oauth/callback</code> at your identity provider.</p>
        </body>
        </html>

        """;
}
