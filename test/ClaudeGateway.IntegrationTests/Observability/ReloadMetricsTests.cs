using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>
/// What a process shows of its files: the configuration in force, attempts to replace it, its certificate.
/// </summary>
public sealed class ReloadMetricsTests : IAsyncDisposable
{
    /// <summary>The metrics whose values are checked here.</summary>
    public static readonly IReadOnlyList<string> Series =
    [
        "claude_gateway_certificate_not_after", "claude_gateway_config_reloads", "claude_gateway_config_info",
        "claude_gateway_config_last_reload_successful",
    ];

    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler());

    private readonly TemporaryFolder _folder = new();
    private readonly FakeIdentityProvider _idp = new();
    private readonly CertificateFiles _certificate = new("localhost");

    private string File => _folder.File("gateway.yaml");

    public async ValueTask DisposeAsync()
    {
        _certificate.Dispose();
        await _idp.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Reloads_the_file_in_force_and_the_end_of_the_certificate_are_shown()
    {
        var first = await WriteAsync("");
        await using var gateway = GatewayProcess.Start(
            _folder.Path,
            new Dictionary<string, string> { ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1" },
            "--config",
            "gateway.yaml");
        var line = await gateway.Errors.LineAsync("metrics for Prometheus at ");
        var metrics = new Uri(line[(line.LastIndexOf(' ') + 1)..]);
        await gateway.Errors.LineAsync("listening on ");
        using var shown = _certificate.Load();
        var end = new DateTimeOffset(shown.NotAfter).ToUnixTimeSeconds();
        var scraped = await ScrapeAsync(metrics);
        Assert.Equal(end, Value(scraped, "claude_gateway_certificate_not_after"));
        Assert.Equal(1, Value(scraped, "claude_gateway_config_info", first));
        Assert.Equal(1, Value(scraped, "claude_gateway_config_last_reload_successful"));

        var second = await WriteAsync("# another one");
        await gateway.HangUpAsync();
        await gateway.Errors.LineAsync("is in force");
        await WriteAsync("nonsense: 1");
        await gateway.HangUpAsync();
        await gateway.Errors.LineAsync("nonsense");

        await PrometheusServer.UntilAsync(
            () => ScrapeAsync(metrics),
            text => Value(text, "claude_gateway_config_last_reload_successful") == 0,
            text => text);
        scraped = await ScrapeAsync(metrics);
        Assert.Equal(1, Value(scraped, "claude_gateway_config_reloads_total", "success"));
        Assert.Equal(1, Value(scraped, "claude_gateway_config_reloads_total", "refused"));
        Assert.Equal(0, Value(scraped, "claude_gateway_config_info", first));
        Assert.Equal(1, Value(scraped, "claude_gateway_config_info", second));
    }

    /// <returns>The SHA-256 of the file.</returns>
    private async Task<string> WriteAsync(string end)
    {
        await System.IO.File.WriteAllTextAsync(File, $"""
            listen:
              host: 127.0.0.1
              port: 0
              tls: [ cert: {_certificate.CertificatePath}, key: {_certificate.KeyPath} ]
            oidc:
              issuer: {_idp.Issuer}
              client_id: {FakeIdentityProvider.ClientId}
              client_secret: {FakeIdentityProvider.ClientSecret}
            session:
              jwt_secret: {TestConfig.JwtSecret}
            store:
              sqlite_path: {_folder.File("gateway.db")}
            upstreams:
              - provider: anthropic
                auth:
                  api_key: {TestConfig.UpstreamKey}
            observability:
              metrics_listen: 127.0.0.1:0
            {end}

            """.Replace('[', '{').Replace(']', '}'));
        return Convert.ToHexStringLower(SHA256.HashData(await System.IO.File.ReadAllBytesAsync(File)));
    }

    private static async Task<string> ScrapeAsync(Uri metrics)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, metrics);
        using var response = await Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>Of the one series of this name whose labels have this value.</summary>
    private static double Value(string scraped, string name, string label = "")
    {
        var line = scraped.Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal)
            && line.Contains(label, StringComparison.Ordinal));
        var value = line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return double.Parse(value, CultureInfo.InvariantCulture);
    }
}
