using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Config;

/// <summary>
/// Turns <c>store.postgres_url</c> (a libpq connection URI) into what Npgsql takes. A parameter it does not know is a
/// server setting, as in the reference: PostgreSQL itself refuses a wrong one.
/// </summary>
internal static class PostgresUrl
{
    /// <exception cref="OperatorException">The URL has a part that cannot be used; the message names it without the
    /// secret.</exception>
    public static NpgsqlConnectionStringBuilder Parse(StoreConfig config)
    {
        if (config.PostgresUrl is not { } secret
            || !Uri.TryCreate(Tolerated(secret.Reveal()), UriKind.Absolute, out var url))
        {
            throw new OperatorException(
                "store.postgres_url is not a URL: expected postgres://user:password@host:5432/database");
        }

        var user = url.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(url.Host).Trim('[', ']'),
            Port = url.Port > 0 ? url.Port : NpgsqlConnection.DefaultPort,
            Username = config.Username ?? (user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null),
            Password = config.Password?.Reveal() ?? (user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null),
            Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')) is { Length: > 0 } name ? name : null,
            ApplicationName = "claude-gateway",
        };
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            Apply(builder, Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
        }

        return builder;
    }

    /// <summary>
    /// What other readers of such URLs take and <see cref="Uri"/> does not: an "@" in the password (the last one ends
    /// it), and no host before a <c>host=</c> parameter.
    /// </summary>
    private static string Tolerated(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var length = start < 3 ? -1 : url.AsSpan(start).IndexOfAny('/', '?', '#');
        var authority = start < 3 ? "" : length < 0 ? url[start..] : url.Substring(start, length);
        var at = authority.LastIndexOf('@');
        var user = at < 0 ? "" : authority[..at].Replace("@", "%40", StringComparison.Ordinal) + "@";
        var host = authority[(at + 1)..] is { Length: > 0 } given ? given : "localhost";
        return start < 3 ? url : string.Concat(url.AsSpan(0, start), user, host, url.AsSpan(start + authority.Length));
    }

    private static void Apply(NpgsqlConnectionStringBuilder builder, string name, string value)
    {
        switch (name)
        {
            case "sslmode":
                builder.SslMode = value switch
                {
                    "disable" => SslMode.Disable,
                    "allow" => SslMode.Allow,
                    "prefer" => SslMode.Prefer,
                    "require" or "no-verify" => SslMode.Require,
                    "verify-ca" => SslMode.VerifyCA,
                    "verify-full" => SslMode.VerifyFull,
                    _ =>
                        throw new OperatorException(
                            $"store.postgres_url: sslmode \"{value}\" is not one of disable, allow, prefer, require, "
                                + "verify-ca, verify-full"),
                };
                break;
            case "sslrootcert":
                builder.RootCertificate = value;
                break;
            case "sslcert":
                builder.SslCertificate = value;
                break;
            case "sslkey":
                builder.SslKey = value;
                break;
            case "host":
                builder.Host = value;
                break;
            case "application_name":
                builder.ApplicationName = value;
                break;
            case "connect_timeout":
                // store.connect_timeout_seconds decides.
                break;
            case "options":
                builder.Options = Join(builder.Options, value);
                break;
            default:
                builder.Options = Join(
                    builder.Options,
                    $"-c {name}="
                + value.Replace("\\", @"\\", StringComparison.Ordinal).Replace(" ", @"\ ", StringComparison.Ordinal));
                break;
        }
    }

    private static string Join(string? first, string second) =>
        string.IsNullOrEmpty(first) ? second : first + " " + second;
}
