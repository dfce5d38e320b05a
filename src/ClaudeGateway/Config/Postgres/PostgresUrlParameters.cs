using System.Globalization;
using ClaudeGateway.Json;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Config.Postgres;

/// <summary>
/// The parameters of <c>store.postgres_url</c>, which mean what they mean to libpq
/// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS). One that is not in
/// <see cref="Known"/> is a server setting, as in the reference: PostgreSQL itself refuses a wrong one. Of those that
/// PostgreSQL cannot know <see cref="Refused"/> says so at once.
/// </summary>
internal sealed class PostgresUrlParameters
{
    private static readonly string[] Known =
    [
        "application_name", "channel_binding", "connect_timeout", "dbname", "fallback_application_name", "gssencmode",
        "host", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts",
        "options", "password", "port", "ssl", "sslcert", "sslcompression", "sslkey", "sslmode", "sslnegotiation",
        "sslpassword", "sslrootcert", "target_session_attrs", "tcp_user_timeout", "user",
    ];

    /// <summary>
    /// libpq's that have no meaning here, and those of other drivers: left out silently, somebody would rely on them.
    /// </summary>
    private static readonly HashSet<string> Refused = new(StringComparer.Ordinal)
    {
        "connection_limit", "gssdelegation", "gsslib", "hostaddr", "krbsrvname", "max_protocol_version",
        "min_protocol_version", "passfile", "pgbouncer", "pool_timeout", "replication", "require_auth", "requirepeer",
        "requiressl", "schema", "service", "servicefile", "socket_timeout", "ssl_max_protocol_version",
        "ssl_min_protocol_version", "sslaccept", "sslcertmode", "sslcrl", "sslcrldir", "sslidentity", "sslkeylogfile",
        "sslsni", "statement_cache_size", "uselibpqcompat",
    };

    private static readonly Dictionary<string, SslMode> SslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
        // Not libpq's, but the reference's.
        ["no-verify"] = SslMode.Require,
    };

    private static readonly Dictionary<string, TargetSessionAttributes> Sessions = new(StringComparer.Ordinal)
    {
        ["any"] = TargetSessionAttributes.Any,
        ["read-write"] = TargetSessionAttributes.ReadWrite,
        ["read-only"] = TargetSessionAttributes.ReadOnly,
        ["primary"] = TargetSessionAttributes.Primary,
        ["standby"] = TargetSessionAttributes.Standby,
        ["prefer-standby"] = TargetSessionAttributes.PreferStandby,
    };

    private static readonly Dictionary<string, ChannelBinding> ChannelBindings = new(StringComparer.Ordinal)
    {
        ["disable"] = ChannelBinding.Disable,
        ["prefer"] = ChannelBinding.Prefer,
        ["require"] = ChannelBinding.Require,
    };

    private static readonly Dictionary<string, GssEncryptionMode> GssModes = new(StringComparer.Ordinal)
    {
        ["disable"] = GssEncryptionMode.Disable,
        ["prefer"] = GssEncryptionMode.Prefer,
        ["require"] = GssEncryptionMode.Require,
    };

    private static readonly Dictionary<string, SslNegotiation> Negotiations = new(StringComparer.Ordinal)
    {
        ["postgres"] = SslNegotiation.Postgres,
        ["direct"] = SslNegotiation.Direct,
    };

    private static readonly Dictionary<string, bool> Orders = new(StringComparer.Ordinal)
    {
        ["disable"] = false,
        ["random"] = true,
    };

    private static readonly Dictionary<string, bool> Switches = new(StringComparer.Ordinal)
    {
        ["0"] = false,
        ["1"] = true,
    };

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, string>> _serverSettings = [];

    /// <exception cref="OperatorException">A parameter is unknown.</exception>
    public PostgresUrlParameters(string query)
    {
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var name = Uri.UnescapeDataString(parts[0]);
            var value = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "";
            if (Refused.Contains(name) || name.Length == 0)
            {
                throw new OperatorException($"store.postgres_url: {Unknown(name)}");
            }

            if (name == "ssl")
            {
                // As libpq: the word of JDBC, and that value alone.
                _values["sslmode"] = value == "true" ? "require" : throw Wrong(name, value, "true");
            }
            else if (Known.Contains(name, StringComparer.Ordinal))
            {
                _values[name] = value;
            }
            else
            {
                _serverSettings.Add(new(name, value));
            }
        }
    }

    /// <summary>Null when it is not given or, as to libpq, empty.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    public static string Unknown(string name)
    {
        var nearest = NearestKey.Find(name, Known) is { } near ? $"; did you mean '{near}'?" : ".";
        return $"parameter \"{name}\" is unknown{nearest} Known are {string.Join(", ", Known)}, and the settings of "
            + "PostgreSQL itself, such as statement_timeout";
    }

    /// <exception cref="OperatorException">A value is not one of those it may have.</exception>
    public PostgresTarget Apply(PostgresTarget target)
    {
        var settings = target.Settings;
        settings.ApplicationName = this["application_name"] ?? this["fallback_application_name"] ?? "claude-gateway";
        settings.SslMode = OneOf("sslmode", SslModes, settings.SslMode);
        settings.SslNegotiation = OneOf("sslnegotiation", Negotiations, settings.SslNegotiation);
        if (settings is { SslNegotiation: SslNegotiation.Direct, SslMode: < SslMode.Require })
        {
            throw new OperatorException(
                "store.postgres_url: sslnegotiation=direct needs sslmode=require, verify-ca or verify-full");
        }

        // Nobody compresses TLS any more: PostgreSQL 14 and later ignore what it says.
        _ = OneOf("sslcompression", Switches, false);
        settings.RootCertificate = this["sslrootcert"];
        settings.SslCertificate = this["sslcert"];
        settings.SslKey = this["sslkey"];
        settings.SslPassword = this["sslpassword"];
        settings.ChannelBinding = OneOf("channel_binding", ChannelBindings, settings.ChannelBinding);
        if (settings.ChannelBinding == ChannelBinding.Require)
        {
            // Only SCRAM binds: a server that asks for another proof, or for none, may be one in between.
            settings.RequireAuth = "ScramSHA256";
        }

        settings.GssEncryptionMode = OneOf("gssencmode", GssModes, settings.GssEncryptionMode);
        settings.Options = ServerSettings();
        return target with
        {
            // The gateway writes: of several servers only one that can be written is of use. libpq would take any.
            Session = OneOf(
                "target_session_attrs",
                Sessions,
                target.Hosts.Count > 1 ? TargetSessionAttributes.ReadWrite : TargetSessionAttributes.Any),
            IsRandomOrder = OneOf("load_balance_hosts", Orders, false),
            ConnectTimeout = ConnectTimeout(),
            Sockets = new PostgresTarget.SocketOptions
            {
                KeepAlive = Integer("keepalives", 1) != 0,
                IdleSeconds = Integer("keepalives_idle", 0),
                IntervalSeconds = Integer("keepalives_interval", 0),
                Count = Integer("keepalives_count", 0),
                UserTimeoutMilliseconds = Integer("tcp_user_timeout", 0),
            },
        };
    }

    private TimeSpan? ConnectTimeout()
    {
        const int longest = 1024; // Npgsql's
        return this["connect_timeout"] is null ? null
            : Integer("connect_timeout", 0) is > 0 and var seconds ? TimeSpan.FromSeconds(Math.Min(seconds, longest))
            : Timeout.InfiniteTimeSpan;
    }

    private string? ServerSettings()
    {
        var options = this["options"];
        foreach (var (name, value) in _serverSettings)
        {
            var written = value.Replace("\\", @"\\", StringComparison.Ordinal)
                .Replace(" ", @"\ ", StringComparison.Ordinal);
            options = (string.IsNullOrEmpty(options) ? "" : options + " ") + $"-c {name}={written}";
        }

        return options;
    }

    private T OneOf<T>(string name, Dictionary<string, T> allowed, T otherwise) =>
        !_values.TryGetValue(name, out var value) ? otherwise
        : allowed.TryGetValue(value, out var found) ? found
        : throw Wrong(name, value, "one of " + string.Join(", ", allowed.Keys));

    /// <summary>Below zero is zero, as to libpq.</summary>
    private int Integer(string name, int otherwise) =>
        this[name] is not { } value ? otherwise
        : int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? Math.Max(0, number)
            : throw Wrong(name, value, "a whole number");

    /// <summary>What is no plain word may be part of a password that was not percent-encoded.</summary>
    private static OperatorException Wrong(string name, string value, string allowed)
    {
        var isPlain = value.Length <= 32 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return new OperatorException(
            $"store.postgres_url: {name} {(isPlain ? $"\"{value}\" " : "")}is not {allowed}");
    }
}
