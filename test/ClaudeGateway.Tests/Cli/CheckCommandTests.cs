using ClaudeGateway.Cli;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Config;

namespace ClaudeGateway.Tests.Cli;

public sealed class CheckCommandTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public void A_good_file_is_ok()
    {
        Assert.Equal(0, Check(Yaml.Minimal));
        Assert.Equal("ok", _output.ToString().Trim());
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public void Print_shows_the_file_instead()
    {
        Assert.Equal(0, Check(Yaml.Minimal, print: true));
        Assert.StartsWith("listen:", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_file_ends_with_1_and_a_line_for_each_problem()
    {
        Assert.Equal(1, Check(Yaml.Minimal + "\nfoo: 1\nbar: 2\n"));
        Assert.Equal("", _output.ToString());
        Assert.Equal(
            2, _errors.ToString().Split('\n').Count(line => line.StartsWith("error: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_a_file_and_without_variables_the_option_is_asked_for()
    {
        var environment = Yaml.Environment();
        Assert.Equal(
            1, CheckCommand.Run(ServeCommand.Read(null, environment), false, environment, _output, _errors));
        Assert.Contains("--config is required", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_may_be_there_is_read_when_it_is_and_the_variables_when_it_is_not()
    {
        (string, string)[] variables =
        [
            ("CLAUDE_GATEWAY_CONFIG", _file), ("OIDC_ISSUER_URL", "https://login.example.com"), ("OIDC_CLIENT_ID", "c"),
            ("UPSTREAM_PROVIDER", "bedrock"), ("HOME", "/nonexistent"), ("OIDC_CLIENT_SECRET", "s"),
            ("DATABASE_URL", "postgres://db/gateway"),
        ];
        File.WriteAllText(_file, Yaml.Minimal);
        Assert.Equal(0, Check(true, Yaml.Environment(variables)));
        Assert.Contains("provider: anthropic", _output.ToString(), StringComparison.Ordinal);

        File.Delete(_file);
        Assert.Equal(0, Check(true, Yaml.Environment(variables)));
        Assert.Contains("provider: bedrock", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "the AWS region is not set here; the cloud's metadata service is asked",
            _errors.ToString(),
            StringComparison.Ordinal);

        Assert.Equal(1, Check(false, Yaml.Environment(variables[0])));
        Assert.Contains($"{_file} does not exist and --config", _errors.ToString(), StringComparison.Ordinal);

        Assert.Equal(1, Check(false, Yaml.Environment(variables[..^2])));
        Assert.Contains($"{_file} does not exist, so the environment is", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_place_of_the_file_that_may_be_there_is_not_passed_over()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            1,
            Check(false, Yaml.Environment(("CLAUDE_GATEWAY_CONFIG", folder.Path), ("OIDC_CLIENT_ID", "c"))));
        Assert.Contains("is a directory", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unusable_proxy_variable_is_an_error()
    {
        Assert.Equal(1, Check(Yaml.Minimal, false, ("HTTPS_PROXY", "http://")));
        Assert.Contains("HTTPS_PROXY", _errors.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "HTTPS_PROXY", true)]
    [InlineData("false", "HTTPS_PROXY", true)]
    [InlineData("true", "UNRELATED", true)]
    [InlineData("true", "HTTPS_PROXY", false)]
    public void A_host_name_handed_to_no_proxy_is_a_warning(string? useProxy, string variable, bool warns)
    {
        Check(
            useProxy is null ? Yaml.Minimal : Yaml.With($$$"""{"oidc":{"use_proxy":{{{useProxy}}}}}"""),
            false,
            (variable, "http://proxy:3128"),
            ("CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME", "1"));
        Assert.Equal(
            warns,
            _errors.ToString()
            .Contains("CLAUDE_GATEWAY_IDP_CONNECT_BY_HOSTNAME is set but has no effect", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"load_test_mode":{"enabled":true}}""", "load_test_mode is on")]
    [InlineData("""{"oidc":{"use_proxy":true}}""", "oidc.use_proxy is true but")]
    [InlineData(
        """{"upstreams":[{"provider":"anthropic","auth":{"api_key":"k"},"models":["claude-sonnet-4-6","zzz"]}]}""",
        "models entry 'zzz' sends no model there")]
    [InlineData(
        """{"upstreams":[{"provider":"mantle","region":"us-east-1","models":["claude-sonnet-4-6"]}]}""",
        "models entry 'claude-sonnet-4-6' sends no model there")]
    [InlineData(
        """{"upstreams":[{"provider":"vertex","region":"us-east5","project_id":"p"}]}""",
        "Vertex does not serve Sonnet 4.5")]
    [InlineData(
        """{"upstreams":[{"provider":"bedrock","region":"eu-west-1"}]}""",
        "Set inference_profile: eu (or the one this region has)")]
    [InlineData(
        """{"admin":{},"pricing":{"overrides":[{"upstream":"anthropic","model":"nope","input":1,"output":1,"cache_read":1,"cache_write":1}]}}""",
        "the row for 'nope' on 'anthropic' will never apply")]
    public void What_is_probably_not_meant_is_warned_about(string json, string expected)
    {
        Assert.Equal(0, Check(Yaml.With(json)));
        Assert.Contains(expected, _errors.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"provider":"bedrock","region":"us-east-1"}]""", "true", "[]")]
    [InlineData("""[{"provider":"bedrock","region":"us-gov-west-1"}]""", "true", "[]")]
    [InlineData("""[{"provider":"bedrock","region":"eu-west-1","inference_profile":"eu"}]""", "true", "[]")]
    [InlineData("""[{"provider":"bedrock","region":"eu-west-1","inference_profile":"none"}]""", "true", "[]")]
    [InlineData(
        """[{"provider":"bedrock","region":"eu-west-1"}]""",
        "false",
        """[{"id":"claude-sonnet-4-6","upstream_model":{"bedrock":"eu.anthropic.claude-sonnet-4-6"}}]""")]
    public void No_profile_is_missed_where_none_is_needed_or_the_operator_has_said_which(
        string upstreams, string builtIns, string models)
    {
        Assert.Equal(
            0,
            Check(Yaml.With(
                $$$"""{"upstreams":{{{upstreams}}},"auto_include_builtin_models":{{{builtIns}}},"models":{{{models}}}}""")));
        Assert.DoesNotContain("inference_profile", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_price_in_any_spelling_of_a_served_model_applies()
    {
        Assert.Equal(
            0,
            Check(
                Yaml.With(
                    """{"admin":{},"pricing":{"overrides":[{"upstream":"anthropic","model":"claude-haiku-4-5@20251001","input":1,"output":1,"cache_read":1,"cache_write":1}]}}""")));
        Assert.DoesNotContain("never apply", _errors.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        File.Delete(_file);
        _output.Dispose();
        _errors.Dispose();
    }

    private int Check(bool print, ProcessEnvironment environment) =>
        CheckCommand.Run(ServeCommand.Read(null, environment), print, environment, _output, _errors);

    private int Check(string yaml, bool print = false, params (string, string)[] variables)
    {
        File.WriteAllText(_file, yaml);
        var environment = Yaml.Environment(variables);
        return CheckCommand.Run(ServeCommand.Read(_file, environment), print, environment, _output, _errors);
    }
}
