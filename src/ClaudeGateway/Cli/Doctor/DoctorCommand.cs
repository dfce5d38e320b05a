using ClaudeGateway.Config;
using ClaudeGateway.Credentials.Places;
using ClaudeGateway.Logging;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// <c>doctor</c>: asks every service the configuration names one harmless question with the real credentials, and says
/// what works, what does not and what to grant. Nothing is changed anywhere and no token of a model is billed.
/// </summary>
internal static class DoctorCommand
{
    public static async Task<int> RunAsync(
        string? configPath,
        IReadOnlyList<string> internalNetworks,
        ProcessEnvironment environment,
        TextWriter output,
        CancellationToken cancellation)
    {
        var result = await ServeCommand.ReadAsync(configPath, environment, cancellation);
        if (result.Config is not { } config)
        {
            return ServeCommand.Fail(result.Errors);
        }

        using var lines = new StderrLines();
        var log = new OperationalLog(
            lines,
            SystemClock.Instance,
            OperationalLog.LevelFromEnvironment(environment["CLAUDE_GATEWAY_LOG_LEVEL"] ?? "warn"));
        try
        {
            var findings = await ExamineAsync(
                config, internalNetworks, environment, SystemClock.Instance, log, cancellation);
            foreach (var finding in findings)
            {
                await output.WriteLineAsync($"{(finding.IsWell ? "ok  " : "FAIL")}  {finding.Subject}: {finding.Text}");
                if (finding.Advice is { } advice)
                {
                    await output.WriteLineAsync($"      {advice}");
                }
            }

            return findings.All(finding => finding.IsWell) ? 0 : 1;
        }
        catch (OperatorException e)
        {
            return ServeCommand.Fail([e.Message]);
        }
    }

    /// <summary>
    /// All questions at once, the answers in the order of the file: public URL, identity provider, store, upstreams,
    /// collectors.
    /// </summary>
    /// <param name="internalNetworks">What the machines' managed settings hold as
    /// <c>gatewayInternalNetworks</c>.</param>
    /// <exception cref="OperatorException">The environment holds something unusable, such as a proxy
    /// variable.</exception>
    public static async Task<IReadOnlyList<Finding>> ExamineAsync(
        GatewayConfig config,
        IReadOnlyList<string> internalNetworks,
        ProcessEnvironment environment,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        using var outbound = new OutboundHttp(environment, log);
        return await ExamineAsync(config, internalNetworks, environment, outbound, clock, log, cancellation);
    }

    private static async Task<IReadOnlyList<Finding>> ExamineAsync(
        GatewayConfig config,
        IReadOnlyList<string> internalNetworks,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        var publicUrl = new PublicUrlExamination(config.Listen, internalNetworks, outbound.Probe, clock)
            .RunAsync(cancellation);
        var services = ExamineServicesAsync(config, environment, outbound, clock, log, cancellation);
        return [.. await publicUrl, .. await services];
    }

    /// <summary>The configuration with every region and project; what cannot be found is a finding.</summary>
    private static async Task<(GatewayConfig Config, Finding? Missing)> PlaceAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        CancellationToken cancellation)
    {
        try
        {
            var found = await UpstreamPlaces.FindAsync(config.Upstreams, environment, outbound, clock, cancellation);
            return (config with { Upstreams = found.Upstreams }, null);
        }
        catch (OperatorException e)
        {
            return (
                config with { Upstreams = UpstreamPlaces.FindHere(config.Upstreams, environment).Upstreams },
                Finding.Ill("upstreams", e.Message, "set the variable, or let the gateway reach the metadata service"));
        }
    }

    private static async Task<Finding[]> ExamineServicesAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        (config, var missing) = await PlaceAsync(config, environment, outbound, clock, cancellation);
        // The real ones, also while load_test_mode keeps requests from them.
        var upstreams = UpstreamList.Create(config with { LoadTestMode = null }, outbound, environment, clock, log);
        var catalog = new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels);
        var routes = new ModelRoutes(catalog, upstreams);
        var models = catalog.All.Select(model => model.Id).Prepend("claude-haiku-4-5").Select(routes.Find)
            .OfType<ModelRoute>().ToArray();
        Task<Finding>[] questions =
        [
            IdentityProviderExamination.RunAsync(config.Oidc, outbound, clock, log, cancellation),
            .. config.Oidc.EntraGroups
                ? [EntraGroupsExamination.RunAsync(config.Oidc, outbound, clock, log, cancellation)]
                : Array.Empty<Task<Finding>>(),
            StoreExamination.RunAsync(config, environment, outbound, clock, log, cancellation),
            .. missing is not null
                ? [Task.FromResult(missing)]
                : upstreams.Select(
                    (upstream, i) =>
                        UpstreamExamination.RunAsync(upstream, config.Upstreams[i], models, clock, cancellation)),
            .. (config.Telemetry?.ForwardTo ?? []).Select(
                (destination, i) =>
                    CollectorExamination.RunAsync(i, destination, environment, outbound, clock, cancellation)),
        ];
        return await Task.WhenAll(questions);
    }
}
