using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Tests.Config;

public sealed class PostgresUrlTests
{
    [Fact]
    public void The_parts_of_the_URL_are_decoded()
    {
        var parsed = Parse(
            "postgresql://us%40er:p%3Aa%2Fss@db.example.com:5433/my%20db?sslmode=verify-full&sslrootcert=/ca.pem");
        Assert.Equal(
            ("db.example.com", 5433, "us@er", "p:a/ss", "my db"),
            (parsed.Host, parsed.Port, parsed.Username, parsed.Password, parsed.Database));
        Assert.Equal((SslMode.VerifyFull, "/ca.pem"), (parsed.SslMode, parsed.RootCertificate));
    }

    [Fact]
    public void User_and_password_of_their_own_keys_win()
    {
        var parsed = PostgresUrl.Parse(new StoreConfig
        {
            PostgresUrl = new Secret("postgres://a:b@h/d"),
            Username = "u",
            Password = new Secret("p"),
        }).Settings;
        Assert.Equal(("u", "p"), (parsed.Username, parsed.Password));
    }

    [Fact]
    public void What_is_missing_is_left_to_PostgreSQLs_defaults()
    {
        var parsed = Parse("postgres://[::1]");
        Assert.Equal(("::1", 5432, null, null), (parsed.Host, parsed.Port, parsed.Username, parsed.Database));
    }

    [Fact]
    public void Other_parameters_become_server_settings() =>
        Assert.Equal(
            @"-c statement_timeout=5s -c search_path=a\ b",
            Parse("postgres://h/d?statement_timeout=5s&search_path=a%20b").Options);

    [Theory]
    [InlineData("db.example.com/d", SslMode.Require)]
    [InlineData("db.example.com/d?sslmode=allow", SslMode.Require)]
    [InlineData("127.0.0.1,db.example.com/d", SslMode.Require)]
    [InlineData("db.example.com/d?sslmode=verify-full", SslMode.VerifyFull)]
    [InlineData("localhost/d", SslMode.Prefer)]
    [InlineData("%2Fvar%2Frun%2Fpostgresql/d?sslmode=disable", SslMode.Disable)]
    public void A_token_leaves_this_machine_over_TLS_alone(string rest, SslMode expected) =>
        Assert.Equal(
            expected,
            PostgresUrl.Parse(new StoreConfig
            {
                PostgresUrl = new Secret("postgres://u@" + rest),
                Auth = StoreAuth.GoogleIam,
            }).Settings.SslMode);

    [Fact]
    public void An_unknown_sslmode_is_refused_by_name() =>
        Assert.Contains(
            "sslmode \"maybe\"",
            Assert.Throws<OperatorException>(() => Parse("postgres://u:sekrit@h/d?sslmode=maybe")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Parameters_mean_what_they_mean_to_libpq()
    {
        var parsed = Parse(
            "postgres://a:b@h/d?user=u&password=p%26&dbname=x&port=6000&sslmode=require&sslnegotiation=direct"
                + "&sslcompression=1&channel_binding=require&gssencmode=disable&fallback_application_name=gw");
        Assert.Equal(
            ("h", 6000, "u", "p&", "x", "gw"),
            (parsed.Host, parsed.Port, parsed.Username, parsed.Password, parsed.Database, parsed.ApplicationName));
        Assert.Equal(
            (SslMode.Require, SslNegotiation.Direct, ChannelBinding.Require, GssEncryptionMode.Disable),
            (parsed.SslMode, parsed.SslNegotiation, parsed.ChannelBinding, parsed.GssEncryptionMode));
        Assert.Null(parsed.Options);
        Assert.Equal(SslMode.Require, Parse("postgres://h/d?ssl=true").SslMode);
        Assert.Equal("a", Parse("postgres://h/d?fallback_application_name=b&application_name=a").ApplicationName);
    }

    [Fact]
    public void Settings_of_the_connection_that_Npgsql_has_no_words_for_are_kept()
    {
        var target = Target(
            "postgres://h/d?keepalives=0&keepalives_idle=7&keepalives_interval=3&keepalives_count=2"
                + "&tcp_user_timeout=4000&connect_timeout=9");
        Assert.Equal(
            new PostgresTarget.SocketOptions
            {
                KeepAlive = false,
                IdleSeconds = 7,
                IntervalSeconds = 3,
                Count = 2,
                UserTimeoutMilliseconds = 4000,
            },
            target.Sockets);
        Assert.Equal(TimeSpan.FromSeconds(9), target.ConnectTimeout);
        Assert.Equal(Timeout.InfiniteTimeSpan, Target("postgres://h/d?connect_timeout=0").ConnectTimeout);
        Assert.Equal(
            (true, null), (Target("postgres://h/d").Sockets.KeepAlive, Target("postgres://h/d").ConnectTimeout));
    }

    [Theory]
    [InlineData("postgres://h1,h2:5433,[::1]:5434/d", "h1:5432 h2:5433 ::1:5434", TargetSessionAttributes.ReadWrite)]
    [InlineData("postgres://h1,h2/d?target_session_attrs=any", "h1:5432 h2:5432", TargetSessionAttributes.Any)]
    [InlineData("postgres://h1,h2/d?port=6000", "h1:6000 h2:6000", TargetSessionAttributes.ReadWrite)]
    [InlineData("postgres:///d?host=a,b&port=1,2", "a:1 b:2", TargetSessionAttributes.ReadWrite)]
    [InlineData("postgres://%2Fvar%2Frun/d", "/var/run:5432", TargetSessionAttributes.Any)]
    [InlineData("postgres:///d?host=/var/run/postgresql", "/var/run/postgresql:5432", TargetSessionAttributes.Any)]
    [InlineData("postgres://h/d?target_session_attrs=standby", "h:5432", TargetSessionAttributes.Standby)]
    public void Hosts_ports_and_what_is_asked_of_them(string url, string hosts, TargetSessionAttributes session)
    {
        var target = Target(url);
        Assert.Equal((hosts, session), (string.Join(' ', target.Hosts), target.Session));
    }

    [Fact]
    public void Order_of_several_hosts_is_given_or_random()
    {
        Assert.True(Target("postgres://a,b/d?load_balance_hosts=random").IsRandomOrder);
        Assert.False(Target("postgres://a,b/d?load_balance_hosts=disable").IsRandomOrder);
    }

    [Theory]
    [InlineData("target_session_attrs=writable", "target_session_attrs \"writable\" is not one of any, read-write, ")]
    [InlineData("channel_binding=yes", "channel_binding \"yes\" is not one of disable, prefer, require")]
    [InlineData("gssencmode=", "gssencmode \"\" is not one of disable, prefer, require")]
    [InlineData("sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require")]
    [InlineData("sslcompression=2", "sslcompression \"2\" is not one of 0, 1")]
    [InlineData("load_balance_hosts=all", "load_balance_hosts \"all\" is not one of disable, random")]
    [InlineData("keepalives_idle=soon", "keepalives_idle \"soon\" is not a whole number")]
    [InlineData("tcp_user_timeout=5s", "tcp_user_timeout \"5s\" is not a whole number")]
    [InlineData("ssl=1", "ssl \"1\" is not true")]
    [InlineData("sslmode=x@sekrit/", "sslmode is not one of disable, allow")]
    [InlineData("port=0", "port is not a number from 1 to 65535")]
    [InlineData("sslcertmode=allow", "parameter \"sslcertmode\" is unknown")]
    [InlineData("service=x", "parameter \"service\" is unknown")]
    [InlineData("passfile=x", "parameter \"passfile\" is unknown")]
    [InlineData("schema=x", "parameter \"schema\" is unknown")]
    [InlineData("connection_limit=5", "parameter \"connection_limit\" is unknown")]
    [InlineData("uselibpqcompat=true", "parameter \"uselibpqcompat\" is unknown")]
    public void What_cannot_be_meant_is_refused_by_name(string parameter, string expected)
    {
        var message = Assert.Throws<OperatorException>(() => Parse($"postgres://u:sekrit@h/d?{parameter}")).Message;
        Assert.StartsWith("store.postgres_url: ", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain("sekrit", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_name_comes_with_the_nearest_known_one() =>
        Assert.Contains(
            "did you mean 'target_session_attrs'? Known are application_name, ",
            PostgresUrl.Unknown("target_session_attr"),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("", 5)]
    [InlineData("?connect_timeout=9", 9)]
    [InlineData("?connect_timeout=9\",\"connect_timeout_seconds\":\"3", 3)]
    public void The_key_of_the_time_limit_wins_over_the_URL(string rest, int seconds)
    {
        var config = Yaml.ReadValid(Yaml.With($$"""{"store":{"postgres_url":"postgres://h/d{{rest}}"} }"""));
        Assert.Equal(TimeSpan.FromSeconds(seconds), config.Store.ConnectTimeout);
    }

    private static NpgsqlConnectionStringBuilder Parse(string url) => Target(url).Settings;

    private static PostgresTarget Target(string url) => PostgresUrl.Parse(new StoreConfig
    {
        PostgresUrl = new Secret(url),
    });
}
