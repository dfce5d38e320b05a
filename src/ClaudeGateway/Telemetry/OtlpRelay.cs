using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// Hands each export to the destinations that take its signal; every destination fails, waits and retries on its own.
/// </summary>
internal sealed class OtlpRelay : IDisposable
{
    /// <summary>How long a stopping gateway goes on sending: a collector that hangs must not hold it up.</summary>
    public static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<OtlpDestination> _destinations;

    /// <param name="authorizer">Makes what authorises exports to a collector with <c>auth</c>.</param>
    public OtlpRelay(
        TelemetryConfig? config,
        Func<CollectorAuth, AuthorizeExport> authorizer,
        OutboundHttp outbound,
        RelayMeters meters,
        TimeProvider clock,
        OperationalLog log)
    {
        if (config is null or { ForwardTo.Count: 0 })
        {
            _destinations = [];
            return;
        }

        var http = outbound.CreateClient(new OutboundOptions());
        _destinations = [
            .. config.ForwardTo.Select(
                (destination, i) =>
                    new OtlpDestination(
                        $"telemetry.forward_to[{i}]", destination,
                        destination.Auth is { } auth ? authorizer(auth) : null, http, meters, clock, log))];
    }

    /// <summary>Never blocks and never throws.</summary>
    public void Accept(OtlpExport export)
    {
        foreach (var destination in _destinations)
        {
            if (destination.Takes(export.Signal))
            {
                destination.Enqueue(export);
            }
        }
    }

    public void Dispose()
    {
        foreach (var destination in _destinations)
        {
            destination.Dispose();
        }
    }

    /// <summary>
    /// Sends what is waiting, for at most <see cref="DrainPatience"/>; what is left then is dropped and reported.
    /// </summary>
    public Task DrainAsync() =>
        Task.WhenAll(_destinations.Select(destination => destination.DrainAsync(DrainPatience)));
}
