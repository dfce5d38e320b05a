using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

/// <summary>
/// managed.settings_schema, as an operator uses it: print the built-in data, add next week's key, point the file at it.
/// </summary>
public sealed class SettingsSchemaFileTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> Environment = new()
    {
        ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
        ["SCHEMA"] = "settings.json",
    };

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();

    public ValueTask InitializeAsync()
    {
        Configure(
            """{ settings_schema: "${SCHEMA}", policies: [{ match: { groups: [eng] }, cli: { nextWeek: [b] } }, { cli: { nextWeek: [a], hooks: { NextEvent: [] } } }] }""");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_printed_data_with_next_weeks_key_makes_it_known_and_merged()
    {
        var printed = JsonNode.Parse(await RunAsync(0, "schema", "--settings"))!;
        Save(printed);
        Assert.Contains(
            "nextWeek: unknown settings key",
            await RunAsync(1, "check", "-c", "gateway.yaml"),
            StringComparison.Ordinal);

        printed["cli"]!["properties"]!["nextWeek"] = JsonNode.Parse("""{"type":"array","x-merge":"union"}""");
        printed["cli"]!["properties"]!["hooks"]!["properties"]!["NextEvent"] = JsonNode.Parse("""{"type":"array"}""");
        Save(printed);

        Assert.Contains("ok", await RunAsync(0, "check", "-c", "gateway.yaml"), StringComparison.Ordinal);
        Assert.Contains(
            """nextWeek = ["a","b"]""",
            await RunAsync(0, "explain", "-c", "gateway.yaml", "--groups", "eng"),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "does not exist")]
    [InlineData("{", ":1:2 is not JSON")]
    [InlineData("[]", "does not hold a JSON object")]
    [InlineData("""{"properties":{}}""", "neither cli nor desktop")]
    [InlineData("""{"cli":{"properties":{"a":{},"a":{}}}}""", "no key twice")]
    [InlineData("""{"desktop":[]}""", "/desktop must be a JSON object")]
    [InlineData(
        """{"cli":{"properties":{"nextWeek":{"pattern":"("}}}}""",
        "/cli/properties/nextWeek/pattern must be a regular expression")]
    [InlineData(
        """{"cli":{"properties":{"nextWeek":{"$ref":"#/$defs/x"}}}}""",
        "/cli/properties/nextWeek/$ref refers to nothing")]
    [InlineData(
        """{"cli":{"properties":{"nextWeek":{"x-merge":"deep"}}}}""",
        "/cli/properties/nextWeek/x-merge must be one of: union |")]
    public async Task A_bad_file_stops_the_boot_with_its_own_problem_alone(string? content, string problem)
    {
        if (content is not null)
        {
            File.WriteAllText(_folder.File("settings.json"), content);
        }

        await using var serve = GatewayProcess.Start(_folder.Path, Environment, "serve", "--config", "gateway.yaml");

        Assert.Equal(1, await serve.ExitCodeAsync());
        var line = Assert.Single(serve.Errors.Lines, line => line.Contains("managed.", StringComparison.Ordinal));
        Assert.Contains("managed.settings_schema: settings.json", line, StringComparison.Ordinal);
        Assert.Contains(problem, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_over_four_MiB_is_refused()
    {
        File.WriteAllText(_folder.File("settings.json"), new string(' ', (4 * 1024 * 1024) + 1));

        Assert.Contains("larger than 4 MiB", await RunAsync(1, "check", "-c", "gateway.yaml"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGHUP_reads_the_file_again_and_keeps_the_old_one_while_it_is_bad()
    {
        File.WriteAllText(
            _folder.File("settings.json"),
            """{"cli":{"properties":{"nextWeek":{"type":"array"},"hooks":{"properties":{"NextEvent":{"type":"array"}}}}}}""");
        await using var serve = GatewayProcess.Start(_folder.Path, Environment, "serve", "--config", "gateway.yaml");
        await serve.Errors.LineAsync("listening on");

        File.WriteAllText(_folder.File("settings.json"), """{"cli":{"properties":{"other":true}},"later":1}""");
        await serve.HangUpAsync();
        await serve.Errors.LineAsync("cli.nextWeek: unknown settings key");
        await serve.Errors.LineAsync("was not put in force");

        Configure("""{ settings_schema: "${SCHEMA}", policies: [{ cli: { other: 1 } }] }""");
        await serve.HangUpAsync();
        await serve.Errors.LineAsync("is in force");
        await serve.Errors.LineAsync("settings.json /later is not known to this release and has no effect");
        Assert.Equal(0, await serve.StopAsync());
    }

    private void Save(JsonNode document) => File.WriteAllText(_folder.File("settings.json"), document.ToJsonString());

    private void Configure(string managed) => File.WriteAllText(_folder.File("gateway.yaml"), $$"""
        listen: { host: 127.0.0.1, port: 0 }
        oidc: { issuer: "{{_idp.Issuer}}", client_id: gw, client_secret: s }
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { sqlite_path: gateway.db }
        upstreams: [{ provider: anthropic, auth: { api_key: k } }]
        managed: {{managed}}

        """);

    private async Task<string> RunAsync(int exitCode, params string[] arguments)
    {
        await using var process = GatewayProcess.Start(_folder.Path, Environment, arguments);
        var code = await process.ExitCodeAsync();
        var text = new StringBuilder().AppendJoin('\n', [.. process.Output.Lines, .. process.Errors.Lines]).ToString();
        Assert.True(code == exitCode, text);
        return text;
    }
}
