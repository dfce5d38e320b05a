using ClaudeGateway.Config;
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
        });
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

    [Fact]
    public void An_unknown_sslmode_is_refused_by_name() =>
        Assert.Contains(
            "sslmode \"maybe\"",
            Assert.Throws<OperatorException>(() => Parse("postgres://u:sekrit@h/d?sslmode=maybe")).Message,
            StringComparison.Ordinal);

    private static NpgsqlConnectionStringBuilder Parse(string url) => PostgresUrl.Parse(new StoreConfig
    {
        PostgresUrl = new Secret(url),
    });
}
