using ClaudeGateway.Config;
using ClaudeGateway.Dev;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli;

/// <summary>Where <c>dev</c> listens and keeps its data.</summary>
/// <param name="Port">Of the gateway; 0 takes any free one.</param>
/// <param name="IdentityProviderPort">Null takes the port after the gateway's, or any free one.</param>
internal sealed record DevOptions(int Port, int? IdentityProviderPort, string Folder);

/// <summary>
/// <c>claude-gateway dev</c>: the ordinary gateway with an ordinary configuration, and beside it what it needs in order
/// to be tried: an identity provider and a simulated model. On this machine's loopback addresses only.
/// </summary>
internal static class DevCommand
{
    private const string KeyVariable = "ANTHROPIC_API_KEY";

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        DevOptions options, ProcessEnvironment environment, HangUps hangUps, CancellationToken cancellation)
    {
        try
        {
            using var folder = DevFolder.Open(options.Folder);
            var port = Port(options.Port, "gateway", "--port");
            var origin = $"http://localhost:{port}";
            await using var model = await StartModelAsync(environment, cancellation);
            await using var identityProvider = await StartIdentityProviderAsync(
                folder, origin, IdentityProviderPort(options, port), cancellation);
            var issuer = identityProvider.Url;
            folder.Write(DevConfig.FileName, DevConfig.Write(folder, origin, port, issuer, model?.Url));

            var own = environment.ForOwnMachine();
            var result = GatewayConfigReader.Read(folder.PathOf(DevConfig.FileName), own);
            return result.Config is not null
                ? await ServeCommand.ServeAsync(result, null, own, hangUps, SayHow, cancellation)
                : ServeCommand.Fail(result.Errors);

            void SayHow() => Console.Out.WriteLine(DevGuide.Text(origin, issuer, model?.Url, folder));
        }
        catch (OperatorException e)
        {
            return ServeCommand.Fail([e.Message]);
        }
    }

    private static async Task<DevServer?> StartModelAsync(
        ProcessEnvironment environment, CancellationToken cancellation) =>
        string.IsNullOrWhiteSpace(environment[KeyVariable])
            ? await DevServer.StartAsync(
                0, "simulated model", _ => new DevModel(SystemClock.Instance).HandleAsync, cancellation)
            : null;

    private static async Task<DevServer> StartIdentityProviderAsync(
        DevFolder folder, string origin, int port, CancellationToken cancellation)
    {
        _ = folder.Secret(DevSecrets.Jwt);
        var client = new DevClient(DevConfig.ClientId, folder.Secret(DevSecrets.Client), origin);
        var key = folder.RsaKey(DevSecrets.IdentityProviderKey);
        return await DevServer.StartAsync(
            port,
            "identity provider",
            issuer =>
                new DevIdentityProvider(
                    issuer, client, new DevTokens(key, issuer, SystemClock.Instance), SystemClock.Instance).HandleAsync,
            cancellation);
    }

    /// <returns>0 for any free one.</returns>
    private static int IdentityProviderPort(DevOptions options, int gatewayPort) =>
        options.IdentityProviderPort is { } given ? Port(given, "identity provider", "--idp-port")
        : options.Port != 0 && gatewayPort < ushort.MaxValue && DevServer.IsFree(gatewayPort + 1) ? gatewayPort + 1
        : 0;

    private static int Port(int wanted, string purpose, string option) =>
        wanted is < 0 or > ushort.MaxValue
        ? throw new OperatorException($"{option} must be a port from 1 to 65535, or 0 for any free one")
        : wanted == 0 ? DevServer.FreePort()
        : DevServer.IsFree(wanted) ? wanted
        : throw new OperatorException(
            $"port {wanted} is taken, so the {purpose} cannot listen on it: stop what uses it, or choose another port "
                + $"with {option}");
}
