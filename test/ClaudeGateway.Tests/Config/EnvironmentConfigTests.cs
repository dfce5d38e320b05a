using ClaudeGateway.Config;

namespace ClaudeGateway.Tests.Config;

public sealed class EnvironmentConfigTests
{
    private static readonly (string, string)[] Complete =
    [
        ("PUBLIC_URL", "https://gw.example.com"), ("PORT", "9000"), ("OIDC_ISSUER_URL", "https://login.example.com"),
        ("OIDC_CLIENT_ID", "id"), ("OIDC_CLIENT_SECRET", "secret"),
        ("GATEWAY_JWT_SECRET", "0123456789-0123456789-0123456789"), ("DATABASE_URL", "postgres://u:p@db/gateway"),
        ("ANTHROPIC_API_KEY", "key"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example.com"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,x-other=c"),
    ];

    [Fact]
    public void The_usual_variables_are_a_configuration()
    {
        var result = EnvironmentConfig.Read(Yaml.Environment(Complete));
        Assert.Empty(result.Errors);
        var config = result.Config!;
        Assert.Equal(9000, config.Listen.Port);
        Assert.Equal("https://gw.example.com", config.Listen.PublicUrl);
        Assert.Equal("secret", config.Oidc.ClientSecret!.Reveal());
        Assert.Equal("postgres://u:p@db/gateway", config.Store.PostgresUrl!.Reveal());
        Assert.IsType<AnthropicAuth.ApiKey>(Assert.IsType<AnthropicUpstreamConfig>(config.Upstreams[0]).Auth);
        Assert.Equal("a b", config.Telemetry!.ForwardTo[0].Headers["x-key"].Reveal());
    }

    [Fact]
    public void Without_a_database_the_store_is_a_file()
    {
        var result = EnvironmentConfig.Read(
            Yaml.Environment(
                [
                    .. Complete.Where(variable => variable.Item1 != "DATABASE_URL"),
                    ("STATE_DIRECTORY", "/var/lib/gateway")]));
        Assert.Equal("/var/lib/gateway/claude-gateway.db", result.Config!.Store.SqlitePath);
    }

    [Fact]
    public void What_is_missing_or_wrong_is_listed_at_once_by_the_name_of_its_variable()
    {
        var errors = EnvironmentConfig.Read(
            Yaml.Environment(
                ("OIDC_ISSUER_URL", "ftp://x"),
                ("PORT", "x"),
                ("PUBLIC_URL", "gw"),
                ("GATEWAY_JWT_SECRET", "short"),
                ("UPSTREAM_PROVIDER", "foundry"))).Errors;
        string[] variables = [
            "PUBLIC_URL", "PORT", "OIDC_ISSUER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "GATEWAY_JWT_SECRET",
            "ANTHROPIC_FOUNDRY_RESOURCE"];
        foreach (var variable in variables)
        {
            Assert.Single(errors, error => error.StartsWith(variable + " (", StringComparison.Ordinal));
        }

        Assert.Equal(variables.Length, errors.Count);
    }

    [Theory]
    [InlineData("bedrock")]
    [InlineData("vertex")]
    [InlineData("google_cloud")]
    public void Five_variables_are_enough_where_the_platform_knows_the_rest(string provider)
    {
        var result = EnvironmentConfig.Read(
            Yaml.Environment(
                [
                    .. Complete.Where(
                        variable => variable.Item1 == "DATABASE_URL"
                            || variable.Item1.StartsWith("OIDC_", StringComparison.Ordinal)),
                    ("UPSTREAM_PROVIDER", provider)]));
        Assert.Empty(result.Errors);
        var config = result.Config!;
        Assert.Equal(("0.0.0.0", 8080, null), (config.Listen.Host, config.Listen.Port, config.Listen.PublicUrl));
        Assert.True(config.Listen.ServesLoopbackNamesOnly);
        Assert.Empty(config.Session.JwtSecrets);
        if (provider == "bedrock")
        {
            Assert.Empty(Assert.IsType<BedrockUpstreamConfig>(config.Upstreams[0]).Region);
        }
        else
        {
            var vertex = Assert.IsType<VertexUpstreamConfig>(config.Upstreams[0]);
            Assert.Equal(("vertex", "global", ""), (vertex.Name, vertex.Region, vertex.ProjectId));
            Assert.Contains("provider: vertex", ConfigPrinter.Print(result.Root!), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_public_url_or_a_loopback_host_serves_every_name()
    {
        Assert.False(EnvironmentConfig.Read(Yaml.Environment(Complete)).Config!.Listen.ServesLoopbackNamesOnly);
        Assert.False(new ListenConfig { Host = "127.0.0.1" }.ServesLoopbackNamesOnly);
        Assert.False(new ListenConfig { Host = "localhost" }.ServesLoopbackNamesOnly);
    }

    [Fact]
    public void Contradicting_credentials_are_refused() =>
        Assert.StartsWith(
            "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN",
            Assert.Single(
                EnvironmentConfig.Read(Yaml.Environment([.. Complete, ("ANTHROPIC_AUTH_TOKEN", "t")])).Errors),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("bedrock", "AWS_REGION=us-east-1")]
    [InlineData("mantle", "AWS_DEFAULT_REGION=us-east-1 UPSTREAM_MODELS=claude-opus-4-8,claude-haiku-*")]
    [InlineData("anthropicAws", "AWS_REGION=us-east-1 ANTHROPIC_AWS_WORKSPACE_ID=w ANTHROPIC_AWS_API_KEY=k")]
    [InlineData("anthropicGoogleCloud", "GOOGLE_CLOUD_PROJECT=p ANTHROPIC_WORKSPACE_ID=w")]
    [InlineData("vertex", "CLOUD_ML_REGION=us-east5 GOOGLE_CLOUD_PROJECT=p")]
    [InlineData("foundry", "ANTHROPIC_FOUNDRY_RESOURCE=res")]
    public void Each_provider_is_told_by_its_own_variables(string provider, string variables)
    {
        var own = variables.Split(' ').Select(pair => pair.Split('=', 2)).Select(pair => (pair[0], pair[1]));
        var result = EnvironmentConfig.Read(Yaml.Environment([.. Complete, ("UPSTREAM_PROVIDER", provider), .. own]));
        Assert.Empty(result.Errors);
        Assert.Equal(provider, result.Config!.Upstreams[0].Provider);
    }

    [Fact]
    public void An_ordinary_environment_is_no_configuration() =>
        Assert.False(EnvironmentConfig.IsGiven(Yaml.Environment(("PATH", "/bin"), ("ANTHROPIC_API_KEY", "k"))));
}
