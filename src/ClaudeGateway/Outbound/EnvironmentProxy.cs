using System.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>
/// HTTP_PROXY, HTTPS_PROXY and NO_PROXY (either case) as the reference honours them: also for loopback targets, which the
/// framework's own reading would bypass. NO_PROXY lists host names, domain suffixes with or without a leading dot or
/// "*.", host:port, or "*". Without HTTPS_PROXY an https target goes through HTTP_PROXY.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy
{
    private readonly Uri? _http;
    private readonly Uri? _https;
    private readonly string[] _noProxy;

    public EnvironmentProxy(ProcessEnvironment environment)
    {
        _http = Read(environment, "HTTP_PROXY") ?? Read(environment, "ALL_PROXY");
        _https = Read(environment, "HTTPS_PROXY") ?? Read(environment, "ALL_PROXY") ?? _http;
        Credentials = CredentialsOf(_https) ?? CredentialsOf(_http);
        _noProxy = (Value(environment, "NO_PROXY") ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Whether any proxy variable is set.</summary>
    public bool IsConfigured => _http is not null || _https is not null;

    public bool HasExceptions => _noProxy.Length > 0;

    /// <summary>User and password of the proxy URL, as <c>http://user:password@host:port</c> gives them.</summary>
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

        var name = entry.StartsWith("*.", StringComparison.Ordinal) ? entry[1..] : entry;
        var colon = name.LastIndexOf(':');
        if (colon > 0 && int.TryParse(name.AsSpan(colon + 1), out var port))
        {
            if (port != uri.Port)
            {
                return false;
            }

            name = name[..colon];
        }

        var host = uri.IdnHost;
        return host.Equals(name.TrimStart('.'), StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(name.StartsWith('.') ? name : "." + name, StringComparison.OrdinalIgnoreCase);
    }

    private static NetworkCredential? CredentialsOf(Uri? proxy)
    {
        if (proxy is null || proxy.UserInfo.Length == 0)
        {
            return null;
        }

        var parts = proxy.UserInfo.Split(':', 2);
        return new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
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

        return Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : "http://" + value, UriKind.Absolute, out var uri)
            ? uri
            : throw new OperatorException($"{name} is not a proxy URL: expected http://host:port");
    }
}
