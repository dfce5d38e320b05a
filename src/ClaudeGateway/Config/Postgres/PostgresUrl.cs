using System.Globalization;
using System.Net;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Config.Postgres;

/// <summary>
/// Reads <c>store.postgres_url</c>, a libpq connection URI
/// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS). Its parameters are in
/// <see cref="PostgresUrlParameters"/>.
/// </summary>
internal static class PostgresUrl
{
    private const string Expected = "expected postgres://user:password@host:5432/database";

    /// <exception cref="OperatorException">The URL has a part that cannot be used; the message names it without the
    /// secret.</exception>
    public static PostgresTarget Parse(StoreConfig config)
    {
        var url = config.PostgresUrl?.Reveal() ?? "";
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme] is not ("postgres" or "postgresql"))
        {
            throw new OperatorException("store.postgres_url must begin with postgres:// or postgresql://");
        }

        var (authority, path, query) = Split(url[(scheme + 3)..]);
        // Other readers of such URLs take an "@" in the password: the last one ends it.
        var at = authority.LastIndexOf('@');
        var user = at < 0 ? [] : authority[..at].Split(':', 2);
        var parameters = new PostgresUrlParameters(query);
        var hosts = Hosts(authority[(at + 1)..], parameters);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = hosts[0].Name,
            Port = hosts[0].Port,
            Username = config.Username ?? parameters["user"] ?? NotEmpty(user.ElementAtOrDefault(0)),
            Password = config.Password?.Reveal() ?? parameters["password"] ?? Decode(user.ElementAtOrDefault(1)),
            Database = parameters["dbname"] ?? NotEmpty(path),
        };
        var target = parameters.Apply(new PostgresTarget(builder, hosts));
        return config.Auth is null ? target : WithTls(target);
    }

    /// <summary>For a parameter that the server did not know either; begins with its name.</summary>
    public static string Unknown(string name) => PostgresUrlParameters.Unknown(name);

    /// <summary>Whoever reads a token on its way can be this user for as long as it holds.</summary>
    private static PostgresTarget WithTls(PostgresTarget target)
    {
        if (target.Settings.SslMode >= SslMode.Require || target.Hosts.All(IsThisMachine))
        {
            return target;
        }

        target.Settings.SslMode = target.Settings.SslMode == SslMode.Disable
            ? throw new OperatorException(
                "store.postgres_url: sslmode=disable cannot stand beside store.auth, which would send its token in the "
                    + "clear; use require, verify-ca or verify-full")
            : SslMode.Require;
        return target;
    }

    private static bool IsThisMachine(PostgresTarget.Server server) =>
        server.Name == "localhost" || server.Name.StartsWith('/')
        || (IPAddress.TryParse(server.Name, out var address) && IPAddress.IsLoopback(address));

    private static (string Authority, string Path, string Query) Split(string rest)
    {
        rest = rest.Split('#', 2)[0];
        var end = rest.IndexOfAny(['/', '?']);
        var authority = end < 0 ? rest : rest[..end];
        var parts = (end < 0 ? "" : rest[end..]).Split('?', 2);
        return (authority, parts[0].TrimStart('/'), parts.ElementAtOrDefault(1) ?? "");
    }

    private static IReadOnlyList<PostgresTarget.Server> Hosts(string authority, PostgresUrlParameters parameters)
    {
        var given = authority.Split(',').Select(Host).ToList();
        var names = parameters["host"]?.Split(',') ?? [.. given.Select(host => host.Name)];
        if (names is [""])
        {
            throw new OperatorException($"store.postgres_url has no host: {Expected}");
        }

        var ports = parameters["port"]?.Split(',').Select(Port).ToList()
            ?? (parameters["host"] is null ? [.. given.Select(host => host.Port)] : [given[0].Port]);
        if (ports.Count != 1 && ports.Count != names.Length)
        {
            throw new OperatorException(
                $"store.postgres_url: port names {ports.Count} ports for {names.Length} hosts; give one for all, or "
                    + "one for each");
        }

        return
        [
            .. names.Select((name, i) => new PostgresTarget.Server(
                name.Length > 0 ? name : "localhost", ports.Count == 1 ? ports[0] : ports[i])),
        ];
    }

    private static (string Name, int Port) Host(string text)
    {
        var colon = text.IndexOf(':', Math.Max(text.IndexOf(']', StringComparison.Ordinal), 0));
        var name = Uri.UnescapeDataString(colon < 0 ? text : text[..colon]).Trim('[', ']');
        return (name, colon < 0 ? NpgsqlConnection.DefaultPort : Port(text[(colon + 1)..]));
    }

    private static int Port(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? port
            : throw new OperatorException(
                "store.postgres_url: its port is not a number from 1 to 65535 (characters such as ':', '/' and '@' in "
                    + "a password must be percent-encoded, or the password given as store.password)");

    private static string? Decode(string? text) => text is null ? null : Uri.UnescapeDataString(text);

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : Decode(text);
}
