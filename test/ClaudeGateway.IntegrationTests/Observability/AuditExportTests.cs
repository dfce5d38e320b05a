using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Observability;

/// <summary>Audit events on their way to a collector.</summary>
public sealed class AuditExportTests
{
    [Fact]
    public async Task Events_come_as_logs_that_name_nobody()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"], watch: uri => Exporting(uri));
        await gateway.Host.SignInAsync();
        await gateway.Host.DisposeAsync();

        var mint = Assert.Single(Events(gateway), e => e.GetProperty("evt").GetString() == "session.mint");

        Assert.Equal("success", mint.GetProperty("result").GetString());
        var alice = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("alice")))[..16];
        Assert.Equal(alice, mint.GetProperty("sub_sha256").GetString());
        Assert.DoesNotContain(
            gateway.Collector.Server.Requests, export => export.Text.Contains("alice", StringComparison.Ordinal));
        // Standard error stays the truth.
        var line = Assert.Single(gateway.Host.Log.Audit("session.mint"));
        Assert.Equal("alice", line.GetProperty("sub").GetString());
    }

    [Fact]
    public async Task Who_asks_for_identities_gets_the_events_as_they_are()
    {
        await using var gateway = await ObservedGateway.StartAsync(
            ["eng"], watch: uri => Exporting(uri, identities: true));
        await gateway.Host.SignInAsync();
        await gateway.Host.DisposeAsync();

        Assert.Equal(
            gateway.Host.Log.Audit().Select(e => e.GetRawText()),
            Events(gateway).Select(e => e.GetRawText()).Prepend(gateway.Host.Log.Audit("config.load")[0].GetRawText()));
    }

    [Fact]
    public async Task What_a_collector_does_not_take_is_counted_and_standard_error_has_it()
    {
        await using var gateway = await ObservedGateway.StartAsync(["eng"], watch: uri => Exporting(uri));
        gateway.Collector.Status = 400;
        await gateway.Host.SignInAsync();
        await gateway.Host.Log.LineAsync("observability.audit_otlp (127.0.0.1): does not take exports: status 400");

        var dropped = (await gateway.ScrapeAsync()).Single(series =>
            series.Key.StartsWith("claude_gateway_relay_exports_total{", StringComparison.Ordinal)
            && series.Key.Contains("audit_otlp", StringComparison.Ordinal)
            && series.Key.Contains("dropped", StringComparison.Ordinal));

        Assert.True(dropped.Value >= 1);
        Assert.Single(gateway.Host.Log.Audit("session.mint"));
    }

    private static ObservabilityConfig Exporting(Uri collector, bool identities = false) => new()
    {
        MetricsListen = new MetricsListen("127.0.0.1", 0),
        AuditOtlp = new AuditExportConfig
        {
            Collector = new TelemetryDestination { Url = collector, Metrics = false, Logs = true },
            WithIdentities = identities,
        },
    };

    private static IReadOnlyList<JsonElement> Events(ObservedGateway gateway) =>
    [
        .. from export in gateway.Collector.Server.Requests
           where export.Path == "/v1/logs"
           from resource in JsonDocument.Parse(export.Text).RootElement.GetProperty("resourceLogs").EnumerateArray()
           from scope in resource.GetProperty("scopeLogs").EnumerateArray()
           from record in scope.GetProperty("logRecords").EnumerateArray()
           select JsonDocument.Parse(record.GetProperty("body").GetProperty("stringValue").GetString()!).RootElement,
    ];
}
