using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Dev;

public sealed class DevCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_taken_port_gets_one_line_that_names_the_option()
    {
        using var taken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;

        Assert.Contains($"port {port} is taken", await FailureAsync("--port", $"{port}"), StringComparison.Ordinal);
        Assert.Contains(
            "--idp-port", await FailureAsync("--port", "0", "--idp-port", $"{port}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_none_is_refused() =>
        Assert.Contains("1 to 65535", await FailureAsync("--port", "65536"), StringComparison.Ordinal);

    [Fact]
    public async Task A_folder_that_cannot_be_written_gets_one_line_that_names_it()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "");
        var line = await FailureAsync("--data", _folder.File("file/folder"));
        Assert.Contains(_folder.File("file/folder") + " cannot be written", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_file_that_is_none_gets_one_line_that_names_it()
    {
        Directory.CreateDirectory(_folder.File("data"));
        await File.WriteAllTextAsync(_folder.File("data/identity-provider-key.pem"), "not a key");
        Assert.Contains(
            "identity-provider-key.pem is not a PEM key",
            await FailureAsync("--port", "0", "--data", _folder.File("data")),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listens_on_loopback_only_says_what_to_do_next_and_stops_when_told()
    {
        await using var dev = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0");
        var gateway = new Uri(
            (await dev.Output.LineAsync("  gateway ")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        var snippet = await dev.Output.LineAsync("forceLoginGatewayUrl");
        Assert.Equal(
            $$"""{"forceLoginMethod":"gateway","forceLoginGatewayUrl":"http://localhost:{{gateway.Port}}"}""",
            snippet.Trim());
        await dev.Output.LineAsync($"login http://localhost:{gateway.Port}");
        await dev.Output.LineAsync(_folder.File(".claude-gateway"));
        Assert.DoesNotContain(
            dev.Errors.Lines,
            line =>
                line.Contains(" warn ", StringComparison.Ordinal)
                || line.Contains(" error ", StringComparison.Ordinal));
        Assert.All(
            ListeningAddresses(dev.Id), address => Assert.True(IPAddress.IsLoopback(address), $"listens on {address}"));

        await using var second = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0");
        Assert.Equal(1, await second.ExitCodeAsync());
        Assert.Contains(
            "is in use by another claude-gateway", Assert.Single(second.Errors.Lines), StringComparison.Ordinal);

        Assert.Equal(0, await dev.StopAsync());
    }

    [Fact]
    public async Task Secrets_are_readable_by_their_owner_alone_and_stay_the_same()
    {
        await using (var dev = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0"))
        {
            await dev.Output.LineAsync("forceLoginGatewayUrl");
            await dev.StopAsync();
        }

        var before = Files();
        Assert.All(before.Keys.Where(name => !name.EndsWith("lock", StringComparison.Ordinal)), name =>
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(name) & ~UnixFileMode.UserExecute));
        await using var again = GatewayProcess.Start(_folder.Path, null, "dev", "--port", "0");
        await again.Output.LineAsync("forceLoginGatewayUrl");
        var after = Files();
        Assert.All(["jwt-secret", "client-secret", "identity-provider-key.pem"], name =>
            Assert.Equal(
                before[_folder.File($".claude-gateway/{name}")], after[_folder.File($".claude-gateway/{name}")]));

        Dictionary<string, string> Files() => Directory.GetFiles(_folder.File(".claude-gateway"))
            .Where(
                f =>
                    !f.Contains("gateway.db", StringComparison.Ordinal)
                    && !f.EndsWith("lock", StringComparison.Ordinal)).ToDictionary(f => f, File.ReadAllText);
    }

    [Fact]
    public async Task With_a_key_the_model_is_the_Anthropic_API_and_the_key_is_not_written_down()
    {
        await using var dev = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string> { ["ANTHROPIC_API_KEY"] = "sk-ant-very-secret" },
            "dev",
            "--port",
            "0");
        Assert.Contains("the Anthropic API", await dev.Output.LineAsync("  model "), StringComparison.Ordinal);
        var config = await File.ReadAllTextAsync(_folder.File(".claude-gateway/gateway.yaml"));
        Assert.Contains("api_key: ${ANTHROPIC_API_KEY}", config, StringComparison.Ordinal);
        Assert.DoesNotContain("base_url", config, StringComparison.Ordinal);
        Assert.All(
            dev.Output.Lines.Concat(dev.Errors.Lines),
            line => Assert.DoesNotContain("very-secret", line, StringComparison.Ordinal));
    }

    private async Task<string> FailureAsync(params string[] arguments)
    {
        await using var dev = GatewayProcess.Start(_folder.Path, null, ["dev", .. arguments]);
        Assert.Equal(1, await dev.ExitCodeAsync());
        Assert.Empty(dev.Output.Lines);
        return Assert.Single(dev.Errors.Lines);
    }

    /// <summary>The addresses of the process's listening TCP sockets, from the kernel.</summary>
    private static List<IPAddress> ListeningAddresses(int process)
    {
        const string listening = "0A";
        var sockets = new DirectoryInfo($"/proc/{process}/fd").GetFiles().Select(f => f.LinkTarget ?? "")
            .Where(t => t.StartsWith("socket:[", StringComparison.Ordinal)).Select(t => t[8..^1]).ToHashSet();
        var found = new[] { "tcp", "tcp6" }.SelectMany(table => File.ReadLines($"/proc/{process}/net/{table}").Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns[3] == listening && sockets.Contains(columns[9]))
            .Select(columns => Address(columns[1].Split(':')[0]))
            .ToList();
        Assert.NotEmpty(found);
        return found;
    }

    /// <summary>The kernel writes each 32-bit word of an address as a number of this machine.</summary>
    private static IPAddress Address(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        foreach (var word in bytes.Chunk(4).Select((w, i) => (Word: w, At: i * 4)))
        {
            word.Word.Reverse().ToArray().CopyTo(bytes, word.At);
        }

        return new IPAddress(bytes);
    }
}
