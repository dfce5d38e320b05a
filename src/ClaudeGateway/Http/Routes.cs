using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Http;

/// <summary>Answers a request that needs no bearer.</summary>
internal delegate Task PublicHandler(GatewayRequest request);

/// <summary>Answers a request of a signed-in developer.</summary>
internal delegate Task SessionHandler(GatewayRequest request, Principal principal);

/// <summary>
/// The route table: exact path and method, nothing else. What is not in it is 401 without a bearer and 404 with one
/// (spec/auth.md, Common), so ASP.NET's endpoint routing with its 405 and patterns does not fit.
/// </summary>
internal sealed class Routes
{
    private readonly Dictionary<(string Path, string Method), Route> _exact = [];
    private readonly Dictionary<string, Route> _anyMethod = [];
    private readonly List<(string Prefix, Route Route)> _prefixes = [];

    /// <summary>Every mapped path, for the protocol page's test.</summary>
    public IEnumerable<string> Paths =>
        _exact.Keys.Select(k => k.Path).Concat(_anyMethod.Keys).Concat(_prefixes.Select(p => p.Prefix)).Distinct();

    /// <summary>A GET route also answers HEAD (RFC 9110 section 9.3.2); Kestrel drops the body.</summary>
    public void Public(string method, string path, PublicHandler handler) =>
        Add(method, path, new Route(path, handler, null));

    public void PublicAnyMethod(string path, PublicHandler handler) =>
        _anyMethod.Add(path, new Route(path, handler, null));

    /// <summary>The path itself and everything below it; the handler does its own authentication.</summary>
    public void PublicPrefix(string prefix, PublicHandler handler) =>
        _prefixes.Add((prefix, new Route(prefix, handler, null)));

    public void Session(string method, string path, SessionHandler handler) =>
        Add(method, path, new Route(path, null, handler));

    /// <summary>
    /// For a handler that neither blocks nor computes for long: it runs on the thread that served the socket.
    /// </summary>
    public void SessionInline(string method, string path, SessionHandler handler) =>
        Add(method, path, new Route(path, null, handler, IsInline: true));

    /// <summary>For methods the path has no handler of its own for.</summary>
    public void SessionAnyMethod(string path, SessionHandler handler) =>
        _anyMethod.Add(path, new Route(path, null, handler));

    /// <summary>
    /// The route of a request, or null. <paramref name="path"/> is the raw path when it is percent-encoded: encoded
    /// paths match nothing.
    /// </summary>
    public Route? Find(string method, string path)
    {
        if (_exact.TryGetValue((path, method), out var route) || _anyMethod.TryGetValue(path, out route))
        {
            return route;
        }

        foreach (var (prefix, prefixRoute) in _prefixes)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal)
                && (path.Length == prefix.Length || path[prefix.Length] == '/'))
            {
                return prefixRoute;
            }
        }

        return null;
    }

    private void Add(string method, string path, Route route)
    {
        _exact.Add((path, method), route);
        if (HttpMethods.IsGet(method))
        {
            _exact.TryAdd((path, HttpMethods.Head), route);
        }
    }
}

/// <summary>A mapped handler: exactly one of the two is set.</summary>
/// <param name="Template">The path it was mapped for; of those below a prefix the prefix.</param>
/// <param name="IsInline">Whether it may run on the socket's thread (<see cref="SocketThreads"/>).</param>
internal sealed record Route(
    string Template, PublicHandler? Public, SessionHandler? Session, bool IsInline = false);
