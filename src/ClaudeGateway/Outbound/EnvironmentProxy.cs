using System.Net;
using ClaudeGateway.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>
/// HTTP_PROXY, HTTPS_PROXY and NO_PROXY (either case) as the reference honours them: also for loopback targets, which
/// the framework's own reading would bypass. NO_PROXY lists host names, domain suffixes with or without a leading dot
/// or "*.", IP addresses (of IPv6 with or without brackets), host:port, [IPv6]:port, or "*". Without HTTPS_PROXY an
/// https target goes through HTTP_PROXY.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy
{
    /// <summary>What the framework's client speaks to a proxy.</summary>
    private static readonly string[] Schemes = ["http", "https", "socks4", "socks4a", "socks5"];

    private readonly Uri? _http;
    private readonly Uri? _https;
    private readonly string[] _noProxy;

    public EnvironmentProxy(ProcessEnvironment environment)
    {
        _http = Read(environment, "HTTP_PROXY") ?? Read(environment, "ALL_PROXY");
        _https = Read(environment, "HTTPS_PROXY") ?? Read(environment, "ALL_PROXY") ?? _http;
        Credentials = new OwnCredentials(_http, _https);
        _noProxy = (Value(environment, "NO_PROXY") ?? "")
            .Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Whether any proxy variable is set.</summary>
    public bool IsConfigured => _http is not null || _https is not null;

    public bool HasExceptions => _noProxy.Length > 0;

    /// <summary>
    /// User and password of each proxy URL, as <c>http://user:password@host:port</c> gives them; offered to that proxy
    /// alone.
    /// </summary>
    public ICredentials? Credentials { get; set; }

    public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : For(destination);

    public bool IsBypassed(Uri host) => For(host) is null || Array.Exists(_noProxy, entry => Matches(entry, host));

    private Uri? For(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _https : _http;

    private static bool Matches(string entry, Uri uri)
    {
        if (entry == "*")
        {
            return true;
        }

        var (name, port) = Split(entry.StartsWith("*.", StringComparison.Ordinal) ? entry[1..] : entry);
        if (port is not null && port != uri.Port)
        {
            return false;
        }

        var host = uri.IdnHost;
        if (IPAddress.TryParse(host, out var address))
        {
            // An address has several spellings in IPv6 (RFC 4291 section 2.2).
            return IPAddress.TryParse(name, out var exempt)
                && AddressRules.Unmap(exempt).Equals(AddressRules.Unmap(address));
        }

        return host.Equals(name.TrimStart('.'), StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(name.StartsWith('.') ? name : "." + name, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// Cuts off the port. What has several colons is an IPv6 address, which has one only behind brackets.
    /// </summary>
    private static (string Name, int? Port) Split(string entry)
    {
        if (entry.StartsWith('[') && entry.IndexOf(']', StringComparison.Ordinal) is > 0 and var bracket)
        {
            var behind = entry.AsSpan(bracket + 1);
            return (entry[1..bracket], behind.StartsWith(":") && int.TryParse(behind[1..], out var bracketed)
                ? bracketed : null);
        }

        var colon = entry.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && entry.IndexOf(':', colon + 1) < 0 && int.TryParse(entry.AsSpan(colon + 1), out var port)
            ? (entry[..colon], port)
            : (entry, null);
    }

    private static NetworkCredential? CredentialsOf(Uri? proxy)
    {
        if (proxy is null || proxy.UserInfo.Length == 0)
        {
            return null;
        }

        var parts = proxy.UserInfo.Split(':', 2);
        return new NetworkCredential(
            Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
    }

    private static string? Value(ProcessEnvironment environment, string name) =>
        environment[name] is { Length: > 0 } upper ? upper
        : environment[name.ToLowerInvariant()] is { Length: > 0 } lower ? lower
        : null;

    private static Uri? Read(ProcessEnvironment environment, string name)
    {
        var value = Value(environment, name);
        if (value is null)
        {
            return null;
        }

        return Uri.TryCreate(
            value.Contains("://", StringComparison.Ordinal) ? value : "http://" + value, UriKind.Absolute, out var uri)
            && Schemes.Contains(uri.Scheme, StringComparer.Ordinal)
            ? uri
            : throw new OperatorException(
                $"{name} is not a proxy URL: expected http://host:port, or one of {string.Join(", ", Schemes[1..])}");
    }

    /// <summary>Answers with the credential of the proxy that asks, never with the other one's.</summary>
    private sealed class OwnCredentials(Uri? http, Uri? https) : ICredentials
    {
        public NetworkCredential? GetCredential(Uri uri, string authType) => CredentialsOf(
            uri.UserInfo.Length > 0 ? uri
            : IsAt(https, uri) ? https
            : IsAt(http, uri) ? http
            : null);

        private static bool IsAt(Uri? proxy, Uri uri) => proxy is { UserInfo.Length: > 0 }
            && Uri.Compare(proxy, uri, UriComponents.SchemeAndServer, UriFormat.Unescaped,
                StringComparison.OrdinalIgnoreCase) == 0;
    }
}
