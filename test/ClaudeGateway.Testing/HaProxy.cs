using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ClaudeGateway.Testing;

/// <summary>
/// HAProxy before several servers on this machine, as load balancers are before replicas: each request goes to a server
/// that is ready, by <c>/readyz</c>; what is under way stays where it is. It ends with the process that started it.
/// </summary>
internal sealed class HaProxy : IAsyncDisposable
{
    private const int StartAttempts = 5;
    private const string NotFound = "no HAProxy found";

    // Ends with its standard input, which the system closes when the test process dies.
    private const string Script = $$"""
        set -eu
        PATH=$PATH:/usr/sbin
        command -v haproxy >/dev/null || { echo "{{NotFound}}" >&2; exit 1; }
        haproxy -db -f "$1" &
        proxy=$!
        cat >/dev/null
        kill "$proxy"
        wait "$proxy" || true
        """;

    private const string StatisticsPath = "/balancer";
    private const int StatusColumn = 17;

    private static readonly HttpMessageInvoker Http = new(new SocketsHttpHandler());
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(50);

    private readonly System.Diagnostics.Process _process;
    private readonly TemporaryFolder _folder;

    private HaProxy(System.Diagnostics.Process process, TemporaryFolder folder, int port)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public int Port { get; }

    /// <exception cref="InvalidOperationException">HAProxy is not installed or does not start.</exception>
    public static async Task<HaProxy> StartAsync(params int[] servers)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryStartAsync(servers);
            }
            catch (InvalidOperationException e)
                when (attempt < StartAttempts && e.Message.Contains("in use", StringComparison.Ordinal))
            {
                // Another process took the port between choosing and binding it.
            }
        }
    }

    /// <summary>Whether the failure to start means that this machine has no HAProxy.</summary>
    public static bool IsMissing(InvalidOperationException failure) =>
        failure.Message.Contains(NotFound, StringComparison.Ordinal);

    /// <summary>Returns once it has found the server ready.</summary>
    /// <exception cref="TimeoutException">It did not within <see cref="Signal.Timeout"/>.</exception>
    public async Task ReadyAsync(int server)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < Signal.Timeout; await Task.Delay(LookPeriod))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Port}{StatisticsPath};csv");
            using var response = await Http.SendAsync(request, CancellationToken.None).WaitAsync(Signal.Timeout);
            var table = await response.Content.ReadAsStringAsync();
            var row = table.Split('\n')
                .Single(line => line.StartsWith($"gateways,at{server},", StringComparison.Ordinal));
            if (row.Split(',')[StatusColumn] == "UP")
            {
                return;
            }
        }

        throw new TimeoutException($"the server at {server} did not become ready");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static async Task<HaProxy> TryStartAsync(int[] servers)
    {
        var port = Ports.Free();
        var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("haproxy.cfg"), $"""
            defaults
              mode http
              timeout connect 2s
              timeout client 60s
              timeout server 60s
              timeout check 5s
              retries 3
              option redispatch 1
              option forwardfor
            frontend public
              bind 127.0.0.1:{port}
              stats enable
              stats uri {StatisticsPath}
              default_backend gateways
            backend gateways
              balance roundrobin
              option httpchk GET /readyz
              default-server check inter 100ms fall 1 rise 1
            {string.Join('\n', servers.Select(server => $"  server at{server} 127.0.0.1:{server}"))}

            """);
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-c", Script, "sh", folder.File("haproxy.cfg")])
        {
            start.ArgumentList.Add(argument);
        }

        var process = System.Diagnostics.Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        while (!said.IsCompleted && !await AnswersAsync(port))
        {
            await Task.Delay(LookPeriod);
        }

        if (!said.IsCompleted)
        {
            return new HaProxy(process, folder, port);
        }

        process.Dispose();
        folder.Dispose();
        throw new InvalidOperationException($"HAProxy did not start: {await said}");
    }

    /// <summary>It says nothing once it listens.</summary>
    private static async Task<bool> AnswersAsync(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
