using System.Text;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli;

/// <param name="Url">The gateway's address: scheme, host and port.</param>
/// <param name="Ready">Asks <c>/readyz</c> (the store answers, too) instead of <c>/healthz</c> (the process
/// runs).</param>
/// <param name="Timeout">For the whole question; the process's own start is not counted.</param>
internal sealed record HealthOptions(string Url, bool Ready, TimeSpan Timeout);

/// <summary>
/// <c>claude-gateway health</c>: asks a running gateway how it is and ends with 0 or 1, for the health checks of
/// container engines whose image has neither a shell nor curl.
/// </summary>
internal sealed class HealthCommand(ProcessEnvironment environment, TimeProvider clock, TextWriter output)
{
    /// <summary>Of a body that is no gateway's, as much as fits a line.</summary>
    private const int MaxBody = 200;

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(HealthOptions options, CancellationToken cancellation)
    {
        try
        {
            await new HealthCommand(ProcessEnvironment.Current(), SystemClock.Instance, Console.Out)
                .AskAsync(options, cancellation);
            return 0;
        }
        catch (OperatorException e)
        {
            return ServeCommand.Fail([e.Message]);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    /// <exception cref="OperatorException">The gateway is not well, or cannot be asked; the message says
    /// why.</exception>
    public async Task AskAsync(HealthOptions options, CancellationToken cancellation)
    {
        var gateway = GatewayUrl.Read(options.Url);
        var url = new Uri(gateway, options.Ready ? "/readyz" : "/healthz");
        using var lines = new StderrLines();
        using var outbound = new OutboundHttp(
            environment.ForOwnMachine(), new OperationalLog(lines, clock, LogLevel.Warn));
        var http = outbound.CreateClient(new OutboundOptions
        {
            UseProxy = !gateway.IsLoopback,
            // The certificate of listen.tls is for the public name, and this machine is asked by its address.
            AcceptsAnyCertificate = gateway.IsLoopback,
            ConnectTimeout = options.Timeout,
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        using var deadline = new Deadline(options.Timeout, clock, cancellation);
        try
        {
            using var response = await http.SendAsync(request, deadline.Token);
            var said = await TextAsync(response, deadline.Token);
            if ((int)response.StatusCode != 200)
            {
                throw new OperatorException($"{url} answered {(int)response.StatusCode}: {said}");
            }

            await output.WriteLineAsync(said);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new OperatorException(
                $"{url} cannot be asked: {(e.InnerException ?? e).Message.TrimEnd('.')}. Does the gateway run, and "
                    + "is this listen.port, with https where listen.tls is set?",
                e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new OperatorException($"{url} did not answer within {options.Timeout.TotalSeconds:0.###} s", e);
        }
    }

    private static async Task<string> TextAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var buffer = new byte[MaxBody];
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var length = await body.ReadAtLeastAsync(buffer, MaxBody, throwOnEndOfStream: false, cancellation);
        return Terminal.Printable(Encoding.UTF8.GetString(buffer, 0, length)).Trim();
    }
}
