using System.Globalization;
using System.Net.Sockets;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;
using Npgsql;

namespace ClaudeGateway.IntegrationTests.Storage;

public sealed class PostgresUrlTests
{
    [Fact]
    public async Task Settings_of_the_connection_reach_its_socket()
    {
        await using var store = await OpenAsync(
            await PostgresServer.NewDatabaseAsync()
                + "?keepalives_idle=77&keepalives_interval=11&keepalives_count=4&tcp_user_timeout=9000");
        await using var pooled = (NpgsqlConnection)await store.Database.OpenConnectionAsync(CancellationToken.None);
        await using var beside = await store.Database.OpenSessionAsync("beside", CancellationToken.None);
        foreach (var connection in new[] { pooled, beside })
        {
            var socket = PostgresSockets.SocketOf(connection);
            Assert.Equal(1, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
            Assert.Equal(77, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
            Assert.Equal(11, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
            Assert.Equal(4, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
            var userTimeout = new byte[4];
            socket.GetRawSocketOption(6, 18, userTimeout);
            Assert.Equal(9000, BitConverter.ToInt32(userTimeout));
        }
    }

    [Fact]
    public async Task Without_keepalives_the_socket_has_none()
    {
        await using var store = await OpenAsync(await PostgresServer.NewDatabaseAsync() + "?keepalives=0");
        await using var pooled = (NpgsqlConnection)await store.Database.OpenConnectionAsync(CancellationToken.None);
        var option = PostgresSockets.SocketOf(pooled)
            .GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive);
        Assert.Equal(0, Convert.ToInt32(option, CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_name_that_PostgreSQL_does_not_know_either_is_refused_with_the_nearest_known_one()
    {
        var url = await PostgresServer.NewDatabaseAsync();
        var failure = await Assert.ThrowsAsync<OperatorException>(() => OpenAsync(url + "?sslmod=require"));
        Assert.StartsWith(
            "store.postgres_url: parameter \"sslmod\" is unknown; did you mean 'sslmode'?",
            failure.Message,
            StringComparison.Ordinal);
        await using var known = await OpenAsync(url + "?statement_timeout=4321&search_path=public");
        Assert.Equal(
            "4321ms", await known.Database.FirstAsync("SHOW statement_timeout", static row => row.GetString(0)));
    }

    [Theory]
    [InlineData("standby")]
    [InlineData("read-only")]
    public async Task A_primary_alone_does_not_serve_who_asks_for_a_standby(string attribute)
    {
        var url = await PostgresServer.NewDatabaseAsync();
        var failure = await Assert.ThrowsAsync<OperatorException>(
            () => OpenAsync($"{url}?target_session_attrs={attribute}"));
        Assert.Contains(
            $"is a primary, and no server that target_session_attrs={attribute} asks for can be reached",
            failure.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("read-write")]
    [InlineData("primary")]
    [InlineData("prefer-standby")]
    [InlineData("any")]
    public async Task Of_several_hosts_the_one_that_serves_is_used(string attribute)
    {
        var url = new Uri(await PostgresServer.NewDatabaseAsync());
        await using var silent = new TcpRelay(url.Port);
        silent.FallSilent();
        // Nothing listens on port 1; the second one accepts and never answers.
        var hosts = $"127.0.0.1:1,127.0.0.1:{silent.Port},127.0.0.1:{url.Port}";
        await using var store = await OpenAsync(
            $"postgres://postgres@{hosts}{url.AbsolutePath}?target_session_attrs={attribute}");
        await using var connection = (NpgsqlConnection)await store.Database.OpenConnectionAsync(CancellationToken.None);
        Assert.Equal(url.Port, connection.Port);
    }

    private static Task<TestStore> OpenAsync(string url) =>
        TestStore.OpenAsync(new StoreConfig { PostgresUrl = new Secret(url) });
}
