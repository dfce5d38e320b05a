using ClaudeGateway.Config;

namespace ClaudeGateway.Tests.Config;

public sealed class ConfigReaderTests
{
    [Fact]
    public void The_smallest_file_gets_every_default()
    {
        var config = Yaml.ReadValid(Yaml.Minimal);
        Assert.Equal(8080, config.Listen.Port);
        Assert.Null(config.Listen.PublicUrl);
        Assert.Equal(["openid", "profile", "email", "offline_access"], config.Oidc.Scopes);
        Assert.Equal(["email"], config.Oidc.EmailClaims);
        Assert.True(config.Oidc.UsePkce);
        Assert.Null(config.Oidc.UseProxy);
        Assert.Equal(TimeSpan.FromHours(1), config.Session.Ttl);
        Assert.Equal(5, config.Store.MaxConnections);
        Assert.Equal(33_554_432, config.Limits.MaxRequestBytes);
        Assert.Null(config.Limits.MaxUrlLength);
        Assert.Equal(TimeSpan.FromMinutes(2), config.Timeouts.UpstreamTtfb);
        Assert.False(config.Timeouts.UpstreamTtfbIsSet);
        Assert.Equal(new RateLimitRule(30, TimeSpan.FromMinutes(10)), config.RateLimits.DeviceAuthorization);
        Assert.Equal(new RateLimitRule(10, TimeSpan.FromMinutes(10)), config.RateLimits.DeviceVerify);
        Assert.Equal("anthropic", config.Upstreams[0].Name);
        Assert.Null(config.Admin);
        Assert.Null(config.Managed);
        Assert.Empty(config.Warnings);
        Assert.Matches("^[0-9a-f]{64}$", config.Sha256);
    }

    [Fact]
    public void A_problem_names_file_line_column_path_and_what_is_allowed()
    {
        var result = Yaml.Read(
            Yaml.Minimal.Replace("https://login.example.com", "ftp://login.example.com", StringComparison.Ordinal));
        Assert.Equal(["gateway.yaml:4:11 oidc.issuer: must begin with https:// or http://, not ftp:"], result.Errors);
        Assert.Null(result.Config);
    }

    [Fact]
    public void An_unknown_key_is_placed_at_the_key_and_the_nearest_known_one_is_suggested()
    {
        var result = Yaml.Read(
            Yaml.Minimal.Replace(
                "  client_id: gateway", "  client_id: gateway\n  clientSecrets: x", StringComparison.Ordinal));
        Assert.Equal(["gateway.yaml:6:3 oidc.clientSecrets: unknown key; did you mean 'client_secret'?"],
            result.Errors);
    }

    [Fact]
    public void A_key_like_no_other_gets_the_list_of_those_allowed()
    {
        var error = Assert.Single(Yaml.Read(Yaml.With("""{"enforcement":{"zzz":1}}""")).Errors);
        Assert.EndsWith("zzz: unknown key; allowed are fail_closed_on_error, reserve", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_problem_of_the_file_is_listed_in_its_order()
    {
        var yaml = """
            bar: 1
            listen: {}
            oidc: { issuer: https://login.example.com, client_id: "${NOPE}", client_secret: "${file:/nonexistent}" }
            session: { jwt_secret: short }
            upstreams:
              - provider: bedrock
                zzz: 1
            limits: { max_request_bytes: 0 }
            managed: { policies: [{ cli: { avilableModels: [] } }] }
            """;
        Assert.Equal(
            [
                "bar", "store", "listen.public_url", "oidc.client_id", "oidc.client_secret", "session.jwt_secret",
                "upstreams[0].region",
                "upstreams[0].zzz", "limits.max_request_bytes", "managed.policies[0].cli.avilableModels",
            ],
            Yaml.Read(yaml).Problems.Select(problem => problem.Path));
    }

    [Fact]
    public void No_message_holds_a_secret_whatever_is_wrong()
    {
        const string Marker = "S3CR3T";
        var yaml = Yaml.With($$$$"""
            {"oidc":{"client_secret":["{{{{Marker}}}}"],"client_assertion":{"private_key_pem":"{{{{Marker}}}}","certificate_pem":"x"}},
             "session":{"jwt_secret":"{{{{Marker}}}}"},"store":{"postgres_url":"postgres://u:{{{{Marker}}}}@h:x/{{{{Marker}}}}","password":{"a":"{{{{Marker}}}}"}},
             "upstreams":[{"provider":"anthropic","auth":{"api_key":5},"base_url":"ftp://{{{{Marker}}}}@x","headers":{"x-a":"{{{{Marker}}}}\n"}},
                          {"provider":"bedrock","region":"r","auth":{"aws_session_token":"{{{{Marker}}}}"}}],
             "admin":{"write_keys":[{"id":"a","key":"{{{{Marker}}}}"}],"group_limit_mode":"${M}"},
             "telemetry":{"forward_to":[{"url":"https://{{{{Marker}}}}:{{{{Marker}}}}@169.254.169.254","headers":{"authorization":"{{{{Marker}}}}\u0001"}}]},
             "managed":{"policies":[{"cli":{"model":["${M}"],"env":{"A":{"b":"${M}"} } } } ] } }
            """);
        var result = Yaml.Read(yaml, ("M", Marker));
        Assert.True(result.Errors.Count >= 9, string.Join('\n', result.Errors));
        Assert.DoesNotContain(Marker, string.Join('\n', result.Errors), StringComparison.Ordinal);
        Assert.DoesNotContain(Marker, string.Join('\n', result.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing.yaml", "does not exist")]
    [InlineData("/", "is a directory")]
    public void A_file_that_cannot_be_read_is_named(string path, string reason)
    {
        var error = Assert.Single(GatewayConfigReader.Read(path, Yaml.Environment()).Errors);
        Assert.Contains(path, error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_not_UTF_8_is_refused()
    {
        var result = GatewayConfigReader.Read("gateway.yaml", [0x61, 0xFF], Yaml.Environment());
        Assert.Contains("not UTF-8", Assert.Single(result.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_cannot_write_a_second_line()
    {
        var error = Assert.Single(Yaml.Read(Yaml.Minimal + "\n\"a\\n\\e[2Jb\": 1\n").Errors);
        Assert.DoesNotContain(error, char.IsControl);
    }

    [Fact]
    public void A_byte_order_mark_is_skipped() => Yaml.ReadValid("\uFEFF" + Yaml.Minimal);

    [Fact]
    public void The_checksum_is_that_of_the_files_bytes_and_not_of_resolved_secrets()
    {
        var yaml = Yaml.Minimal.Replace("very-secret", "${SECRET}", StringComparison.Ordinal);
        Assert.Equal(Yaml.ReadValid(yaml, ("SECRET", "a")).Sha256, Yaml.ReadValid(yaml, ("SECRET", "b")).Sha256);
    }
}
