using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Telemetry;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Composition;

/// <summary>
/// Every feature, built from one configuration: one Map line each. A reload builds another; requests that began with
/// this one end with it, and then it is disposed.
/// </summary>
internal sealed class GatewaySnapshot
{
    private readonly RequestPipeline _pipeline;
    private readonly Action _leave;

    /// <summary>Drains the relay once, however often it is asked: what is left over is reported once.</summary>
    private readonly Lazy<Task> _drain;
    private readonly Shared<IdentityProvider> _provider;
    private readonly OwnedResources _owned;
    private readonly OutboundHttp _outbound;
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Open requests, and one for being in force; it never rises again from zero.</summary>
    private int _users = 1;

    private GatewaySnapshot(
        GatewayConfig config,
        RequestPipeline pipeline,
        OtlpRelay relay,
        Shared<IdentityProvider> provider,
        Routes routes,
        OwnedResources owned,
        OutboundHttp outbound)
    {
        _pipeline = pipeline;
        _leave = Leave;
        _drain = new Lazy<Task>(relay.DrainAsync);
        _provider = provider;
        _owned = owned;
        _outbound = outbound;
        Config = config;
        Paths = [.. routes.Paths];
    }

    public GatewayConfig Config { get; }

    /// <summary>Of this configuration; one that says the same of the <c>oidc</c> section shares it.</summary>
    public Shared<IdentityProvider> Provider => _provider;

    public IReadOnlyList<string> Paths { get; }

    /// <param name="previous">The snapshot in force, whose identity provider is kept when the <c>oidc</c> section says
    /// the same; null at boot.</param>
    /// <exception cref="OperatorException">A service or file the configuration names is not usable.</exception>
    public static async Task<GatewaySnapshot> CreateAsync(
        GatewayConfig config, GatewaySnapshot? previous, ProcessParts services, CancellationToken cancellation)
    {
        var owned = new OwnedResources(services.Log);
        var outbound = services.Outbound.CreatePart();
        try
        {
            var builder = new SnapshotBuilder(config, services, outbound, owned);
            await builder.RefuseLoadTestOfPeopleAsync();
            var provider = await builder.ProviderAsync(previous, cancellation);
            var (pipeline, relay) = await builder.BuildAsync(provider.Value);
            return new GatewaySnapshot(config, pipeline, relay, provider, builder.Routes, owned, outbound);
        }
        catch
        {
            await owned.DisposeAsync();
            outbound.Dispose();
            throw;
        }
    }

    /// <summary>Counts a request in. False when the snapshot is no longer in force: use its successor.</summary>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Serves a request that <see cref="TryEnter"/> counted in.</summary>
    public Task HandleAsync(HttpContext http) => _pipeline.HandleAsync(http, _leave);

    /// <summary>Sends the exports that wait.</summary>
    public Task DrainAsync() => _drain.Value;

    /// <summary>
    /// Takes the snapshot out of force and disposes it when its last request has ended, or after
    /// <paramref name="patience"/>.
    /// </summary>
    public async Task RetireAsync(TimeSpan patience, TimeProvider clock)
    {
        Leave();
        await Task.WhenAny(_unused.Task, Task.Delay(patience, clock));
        try
        {
            await DrainAsync();
        }
        finally
        {
            await _owned.DisposeAsync();
            _ = CloseConnectionsAsync();
        }
    }

    /// <summary>Waits however long a stream lasts: without its client it would be cut.</summary>
    private async Task CloseConnectionsAsync()
    {
        await _unused.Task;
        _outbound.Dispose();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _unused.TrySetResult();
        }
    }
}
