using ClaudeGateway.Http.Serving;
using ClaudeGateway.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ClaudeGateway.Tests.Http;

public sealed class GatewayServerTests
{
    [Fact]
    public async Task The_host_sets_no_bound_of_its_own_to_a_drain()
    {
        await using var idp = new FakeIdentityProvider();
        await using var server = GatewayServer.Create(TestConfig.Create(idp, []), null, _ => Task.CompletedTask);

        var options = server.Services.GetRequiredService<IOptions<HostOptions>>().Value;

        Assert.Equal(Timeout.InfiniteTimeSpan, options.ShutdownTimeout);
    }

    [Fact]
    public async Task An_idle_connection_outlives_those_that_load_balancers_keep_for_an_hour()
    {
        await using var idp = new FakeIdentityProvider();
        await using var server = GatewayServer.Create(TestConfig.Create(idp, []), null, _ => Task.CompletedTask);

        var options = server.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;

        Assert.Equal(TimeSpan.FromSeconds(3660), options.Limits.KeepAliveTimeout);
    }
}
