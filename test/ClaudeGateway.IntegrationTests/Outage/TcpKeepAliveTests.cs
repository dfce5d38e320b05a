using System.Diagnostics;
using System.Globalization;
using ClaudeGateway.IntegrationTests.Messages;
using ClaudeGateway.IntegrationTests.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Outage;

/// <summary>
/// Whether the system itself finds out that a peer has vanished: what the kernel lists as the timer of a connection.
/// </summary>
public sealed class TcpKeepAliveTests
{
    private const string KeepAliveTimer = "02";

    [Fact]
    public async Task A_connection_of_a_client_and_one_to_an_upstream_are_kept_alive()
    {
        await using var scene = await Scene.StartAsync();
        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);
        await response.Content.ReadAsByteArrayAsync();

        AssertKeptAlive(connection => connection.LocalPort == scene.Gateway.Url.Port);
        AssertKeptAlive(connection => connection.RemotePort == scene.Upstream.Server.Port);
    }

    [Fact]
    public async Task A_connection_to_the_database_is_kept_alive()
    {
        var config = await TestStore.ConfigAsync(TestStore.Postgres);
        var postgres = new Uri(config.PostgresUrl!.Reveal());
        await using var relay = new TcpRelay(postgres.Port);
        await using var store = await TestStore.OpenThroughAsync(relay, postgres);

        AssertKeptAlive(connection => connection.RemotePort == relay.Port);
    }

    /// <summary>
    /// What was sent a moment ago and is not acknowledged yet has a timer of another kind: looked at until it has not.
    /// </summary>
    private static void AssertKeptAlive(Func<Connection, bool> isMeant)
    {
        var since = Stopwatch.StartNew();
        List<Connection> meant;
        do
        {
            meant = [.. Connections().Where(isMeant)];
        }
        while (meant.All(connection => connection.Timer != KeepAliveTimer) && since.Elapsed < Signal.Timeout);

        Assert.Contains(meant, connection => connection.Timer == KeepAliveTimer);
    }

    private static IEnumerable<Connection> Connections()
    {
        const string Established = "01";
        return new[] { "/proc/net/tcp", "/proc/net/tcp6" }.SelectMany(File.ReadLines)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 5 && fields[3] == Established)
            .Select(fields => new Connection(Port(fields[1]), Port(fields[2]), fields[5].Split(':')[0]));
    }

    private static int Port(string address) =>
        int.Parse(address.Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private sealed record Connection(int LocalPort, int RemotePort, string Timer);
}
