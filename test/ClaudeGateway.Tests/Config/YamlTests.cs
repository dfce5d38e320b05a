namespace ClaudeGateway.Tests.Config;

public sealed class YamlTests
{
    [Theory]
    [InlineData("0x1F", 31)]
    [InlineData("0o17", 15)]
    [InlineData("017", 17)]
    [InlineData("1e2", 100)]
    [InlineData("+5", 5)]
    [InlineData("\" 5 \"", 5)]
    [InlineData("\"0x10\"", 16)]
    [InlineData("\"5.0\"", 5)]
    [InlineData("\"\"", 0)]
    [InlineData("true", 1)]
    [InlineData("null", 0)]
    [InlineData("", 0)]
    public void A_number_is_read_as_JavaScript_would(string written, int seconds) =>
        Assert.Equal(
            TimeSpan.FromSeconds(seconds),
            Yaml.ReadValid(
                Yaml.Minimal.Replace(
                    "  client_id:",
                    $"  clock_skew_seconds: {written}\n  client_id:",
                    StringComparison.Ordinal)).Oidc.ClockSkew);

    [Theory]
    [InlineData("1_000")]
    [InlineData("5s")]
    [InlineData("yes")]
    [InlineData("[]")]
    [InlineData(".nan")]
    [InlineData(".inf")]
    [InlineData("1.5")]
    [InlineData("-1")]
    public void Anything_else_is_no_whole_number(string written) =>
        Assert.Contains(
            "clock_skew_seconds: must be an integer",
            Assert.Single(
                Yaml.Read(
                    Yaml.Minimal.Replace(
                        "  client_id:",
                        $"  clock_skew_seconds: {written}\n  client_id:",
                        StringComparison.Ordinal)).Errors),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("yes")]
    [InlineData("\"true\"")]
    [InlineData("1")]
    [InlineData("null")]
    public void Only_true_and_false_are_booleans(string written) =>
        Assert.Contains(
            "must be true or false",
            Assert.Single(
                Yaml.Read(
                    Yaml.Minimal.Replace(
                        "  client_id:", $"  use_pkce: {written}\n  client_id:", StringComparison.Ordinal)).Errors),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("5")]
    [InlineData("True")]
    [InlineData("~")]
    [InlineData("[a]")]
    [InlineData("1e3")]
    public void Text_that_looks_like_something_else_must_be_quoted(string written) =>
        Assert.Contains(
            "login_notice: must be text",
            Assert.Single(Yaml.Read($"login_notice: {written}\n{Yaml.Minimal}").Errors),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("2020-01-01", "2020-01-01")]
    [InlineData("on", "on")]
    [InlineData("!!str 5", "5")]
    [InlineData("|\n  a\n  b\n", "a b")]
    [InlineData("\"\\ud83d\\ude00 \\u00e9 a\\/b\"", "😀 é a/b")]
    [InlineData("\"a\\tb\\u0007c\"", "a b c")]
    public void Text_is_read(string written, string value) =>
        Assert.Equal(value, Yaml.ReadValid($"login_notice: {written}\n{Yaml.Minimal}").LoginNotice);

    [Fact]
    public void Anchors_aliases_and_merge_keys_work()
    {
        var yaml = Yaml.Minimal.Replace(
            "auth:\n", "models: &models [claude-sonnet-4-6]\n    auth: &auth\n", StringComparison.Ordinal)
            + "\n  - { name: second, provider: anthropic, models: *models, auth: { <<: *auth } }\n  - { name: third, "
            + "provider: anthropic, auth: { <<: [*auth], api_key: own } }\n";
        var upstreams = Yaml.ReadValid(yaml).Upstreams;
        Assert.Equal(["claude-sonnet-4-6"], upstreams[1].Models);
        Assert.Equal("sk-secret", ApiKey(upstreams[1]));
        Assert.Equal("own", ApiKey(upstreams[2]));

        static string ApiKey(ClaudeGateway.Config.UpstreamConfig upstream) =>
            ((ClaudeGateway.Config.AnthropicAuth.ApiKey)((ClaudeGateway.Config.AnthropicUpstreamConfig)upstream).Auth).Key.Reveal();
    }

    [Fact]
    public void Of_a_key_given_twice_the_last_counts_and_a_warning_says_so()
    {
        var config = Yaml.ReadValid(Yaml.Minimal + "\nlimits:\n  max_url_length: 5\n  max_url_length: 7\n");
        Assert.Equal(7, config.Limits.MaxUrlLength);
        Assert.Equal(
            ["gateway.yaml:17:3 key 'max_url_length' is given twice (first at 16:3); this later one is used"],
            config.Warnings);
    }

    [Theory]
    [InlineData("listen:\n\tport: 1\n", 2)]
    [InlineData("listen:\n  port: [\n", 3)]
    [InlineData("a: b: c\n", 1)]
    [InlineData("a: *nope\n", 1)]
    [InlineData("a: 1\n---\nb: 2\n", 2)]
    [InlineData("x: &x {a: *x}\n", 1)]
    [InlineData("a: \"open", 1)]
    public void Malformed_YAML_is_one_problem_with_its_line(string yaml, int line)
    {
        var problem = Assert.Single(Yaml.Read(yaml).Problems);
        Assert.Equal(line, problem.Position.Line);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("hello")]
    [InlineData("[]")]
    [InlineData("null")]
    public void A_document_that_is_no_mapping_is_refused(string yaml) =>
        Assert.Contains("must be a mapping", Assert.Single(Yaml.Read(yaml).Errors), StringComparison.Ordinal);

    [Fact]
    public void Nesting_and_aliases_cannot_exhaust_the_process()
    {
        Assert.Contains(
            "nested deeper", Assert.Single(Yaml.Read(new string('[', 5000)).Errors), StringComparison.Ordinal);
        var lines = Enumerable.Range(1, 20).Select(i => $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]");
        Assert.Contains(
            "aliases expand to more than",
            Assert.Single(Yaml.Read("a0: &a0 x\n" + string.Join('\n', lines)).Errors),
            StringComparison.Ordinal);
    }
}
