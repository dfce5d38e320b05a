using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Instrumentation;

namespace ClaudeGateway.Composition;

/// <summary>What is measured of the configuration in force and of attempts to replace it.</summary>
internal sealed class ConfigMeters
{
    /// <summary>Configurations of before that are still told as not being in force.</summary>
    private const int MaxHashes = 100;

    private readonly Counter<long> _reloads;
    private readonly ConcurrentDictionary<string, bool> _hashes = new(StringComparer.Ordinal);
    private volatile string _inForce = "";
    private int _isLastRefused;

    public ConfigMeters(GatewayMeter meter)
    {
        _reloads = meter.Meter.CreateCounter<long>(
            "claude_gateway.config.reloads", "{reload}", "Attempts to put another configuration in force.");
        meter.Meter.CreateObservableGauge(
            "claude_gateway.config.last_reload_successful", () => 1 - Volatile.Read(ref _isLastRefused), null,
            "0 while the newest configuration has been refused and the one before it stays in force, else 1.");
        meter.Meter.CreateObservableGauge(
            "claude_gateway.config.info",
            () => _hashes.Keys.Select(hash => new Measurement<int>(
                hash == _inForce ? 1 : 0, new KeyValuePair<string, object?>("claude_gateway.config.sha256", hash))),
            null,
            "1 for the SHA-256 of the file in force, 0 for those that were: equal on all replicas.");
    }

    public void InForce(string sha256)
    {
        if (_hashes.Count < MaxHashes)
        {
            _hashes[sha256] = true;
        }

        _inForce = sha256;
    }

    public void Reloaded(bool isInForce)
    {
        Volatile.Write(ref _isLastRefused, isInForce ? 0 : 1);
        _reloads.Add(
            1, new KeyValuePair<string, object?>("claude_gateway.result", isInForce ? "success" : "refused"));
    }

    public static void Measure(GatewayMeter meter, TlsCertificate certificate) =>
        meter.Meter.CreateObservableGauge(
            "claude_gateway.certificate.not_after", () => certificate.NotAfter.ToUnixTimeSeconds(), "s",
            "When the certificate of listen.tls ends, in seconds since 1970.");
}
