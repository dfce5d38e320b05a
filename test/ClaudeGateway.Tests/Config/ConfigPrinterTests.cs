using ClaudeGateway.Config;

namespace ClaudeGateway.Tests.Config;

public sealed class ConfigPrinterTests
{
    private static readonly string Rich = Yaml.With("""
        {"login_notice":"yes","listen":{"public_url":"https://gw.example.com"},"oidc":{"client_secret":"${S}"},
         "store":{"postgres_url":"postgres://gateway:${S}@db.example.com/gateway?options=${S}"},
         "upstreams":[{"provider":"anthropic","auth":{"api_key":"${S}"},"headers":{"x-key":"${S}"}}],
         "admin":{"write_keys":[{"id":"a","key":"${S}${S}${S}"}]},
         "telemetry":{"forward_to":[{"url":"https://otel.example.com","headers":{"x":"${S}"}}]},
         "managed":{"policies":[{"cli":{"env":{"TOKEN":"${S}","PLAIN":"x: y"},"permissions":{"deny":["Read(./.env)"]}}}]}}
        """);

    [Fact]
    public void Secrets_and_values_from_the_environment_in_documents_are_masked()
    {
        var printed = Print();
        Assert.DoesNotContain("0123456789-secret", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789-0123456789", printed, StringComparison.Ordinal);
        Assert.Contains(
            "postgres_url: \"postgres://gateway:***@db.example.com/gateway?***\"", printed, StringComparison.Ordinal);
        Assert.Contains("TOKEN: \"***\"", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_provider_s_other_name_is_printed_as_the_provider()
    {
        var result = Yaml.Read(
            Yaml.WithUpstream("""{"provider":"google_cloud","region":"global","project_id":"${P}"}"""), ("P", "p"));
        Assert.Empty(result.Errors);
        var vertex = Assert.IsType<VertexUpstreamConfig>(result.Config!.Upstreams[0]);
        Assert.Equal(("vertex", "p"), (vertex.Name, vertex.ProjectId));
        var printed = ConfigPrinter.Print(result.Root!);
        Assert.Contains("- provider: vertex\n", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("google_cloud", printed, StringComparison.Ordinal);
        Assert.Contains("headers: {}", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void The_schema_takes_a_provider_s_other_name() =>
        Assert.Contains(
            "[\"vertex\",\"google_cloud\"]", ConfigSchema.Create().ToJsonString(), StringComparison.Ordinal);

    [Fact]
    public void Defaults_are_filled_in() =>
        Assert.Contains("upstream_ttfb_ms: 120000", Print(), StringComparison.Ordinal);

    [Fact]
    public void What_is_printed_is_the_same_configuration_again()
    {
        var again = Yaml.Read(Print());
        // Only the masked keys are too short to be secrets.
        Assert.All(
            again.Problems,
            problem => Assert.Contains("at least 32 characters", problem.Text, StringComparison.Ordinal));
        Assert.Equal(Print(), ConfigPrinter.Print(again.Root!));
        Assert.Contains("login_notice: \"yes\"", Print(), StringComparison.Ordinal);
        Assert.Contains("PLAIN: \"x: y\"", Print(), StringComparison.Ordinal);
    }

    private static string Print() => ConfigPrinter.Print(Yaml.Read(Rich, ("S", "0123456789-secret")).Root!);
}
