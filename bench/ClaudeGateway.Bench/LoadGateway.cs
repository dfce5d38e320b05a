using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>
/// The published dist/claude-gateway on PostgreSQL with what a user has on: authentication, policy, audit, a spend
/// limit.
/// </summary>
internal sealed class LoadGateway : IAsyncDisposable
{
    private const string AdminKey = "bench-admin-key-0123456789-0123456789";

    private readonly System.Diagnostics.Process _process;
    private readonly TemporaryFolder _folder;

    private LoadGateway(System.Diagnostics.Process process, TemporaryFolder folder, Uri url)
    {
        _process = process;
        _folder = folder;
        Url = url;
        var tokens = new SessionTokens(
            new SessionSecrets([new Secret(TestConfig.JwtSecret)]),
            url.GetLeftPart(UriPartial.Authority),
            TimeSpan.FromHours(1),
            TimeProvider.System);
        Bearer = tokens.Mint(new Identity("alice", "alice@example.com", "Alice", ["eng"]), "s1").Token;
    }

    public Uri Url { get; }

    public string Bearer { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory the process has had resident so far, in MiB.</summary>
    public int PeakMebibytes => int.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmHWM",
            StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) / 1024;

    public static async Task<LoadGateway> StartAsync(string issuer, string postgresUrl, string upstream)
    {
        var program = Repository.File("dist/claude-gateway");
        var folder = new TemporaryFolder();
        var port = FreePort();
        await File.WriteAllTextAsync(folder.File("gateway.yaml"), Yaml(port, issuer, postgresUrl, upstream));
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardError = true };
        start.ArgumentList.Add("--config");
        start.ArgumentList.Add(folder.File("gateway.yaml"));
        start.Environment["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1";
        var gateway = new LoadGateway(
            System.Diagnostics.Process.Start(start)!, folder, new Uri($"http://127.0.0.1:{port}"));
        await gateway.ListeningAsync();
        await gateway.LimitSpendAsync();
        return gateway;
    }

    /// <summary>The configuration the gateway runs with, but for the addresses.</summary>
    public static GatewayConfig Config()
    {
        var yaml = Yaml(8080, "https://idp.example.com", "postgres://never-opened", "https://api.example.com");
        var result = GatewayConfigReader.Read(
            "gateway.yaml", Encoding.UTF8.GetBytes(yaml), new ProcessEnvironment(new Dictionary<string, string>()));
        return result.Config ?? throw new InvalidOperationException(string.Join('\n', result.Errors));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static string Yaml(int port, string issuer, string postgresUrl, string upstream) => $$"""
        listen: { host: 127.0.0.1, port: {{port}}, public_url: "http://127.0.0.1:{{port}}" }
        oidc:
          issuer: "{{issuer}}"
          client_id: {{FakeIdentityProvider.ClientId}}
          client_secret: {{FakeIdentityProvider.ClientSecret}}
        session: { jwt_secret: "{{TestConfig.JwtSecret}}" }
        store: { postgres_url: "{{postgresUrl}}" }
        upstreams: [{ provider: anthropic, base_url: "{{upstream}}", auth: { api_key: key } }]
        admin: { write_keys: [{ id: bench, key: "{{AdminKey}}" }] }
        managed:
          policies:
            - match: { groups: [ops] }
              cli: { availableModels: ["*haiku*"] }
            - match: { groups: [eng] }
              cli: { availableModels: [{{LoadScenario.Model}}, claude-haiku-4-5], deniedModels: [claude-3] }
        """;

    private static int FreePort()
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>
    /// Reads its log until it listens, then lets the rest go by: an audit log that nobody reads would stop it.
    /// </summary>
    private async Task ListeningAsync()
    {
        var lines = new List<string>();
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.Contains("listening on http", StringComparison.Ordinal))
            {
                // A read of a pipe blocks its thread: one of its own.
                _ = Task.Factory.StartNew(
                    () => _process.StandardError.BaseStream.CopyTo(Stream.Null),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default);
                return;
            }
        }

        throw new InvalidOperationException($"the gateway did not start:\n{string.Join('\n', lines)}");
    }

    private async Task LimitSpendAsync()
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Url, "/v1/organizations/spend_limits"))
        {
            Content = new StringContent(
                """{"scope":{"type":"organization"},"amount":"100000000000","period":"monthly"}""",
                Encoding.UTF8,
                "application/json"),
        };
        request.Headers.Add("x-api-key", AdminKey);
        using var response = await http.SendAsync(request, CancellationToken.None);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(
                $"the spend limit was refused: {await response.Content.ReadAsStringAsync()}");
        }
    }
}
