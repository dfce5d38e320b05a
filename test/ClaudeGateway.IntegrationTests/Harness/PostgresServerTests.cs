using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Harness;

public sealed class PostgresServerTests
{
    [Fact]
    public async Task A_server_of_ones_own_stops_and_starts_with_its_data()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("create table kept (n int)");
        await server.StopServerAsync();
        await Assert.ThrowsAsync<NpgsqlException>(() => server.ExecuteAsync("select 1"));
        await server.StartServerAsync();
        await server.ExecuteAsync("insert into kept values (1)");
    }
}
