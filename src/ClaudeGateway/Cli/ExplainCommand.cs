using ClaudeGateway.Config;
using ClaudeGateway.Credentials.Places;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Cli;

/// <summary>Whom <c>explain</c> is about; groups as the IdP would name them.</summary>
internal sealed record ExplainOptions(string Sub, string? Email, IReadOnlyList<string> Groups);

/// <summary><c>explain</c>: what one developer would be served, and why, without a service.</summary>
internal static class ExplainCommand
{
    public static int Run(
        ConfigReadResult result,
        ExplainOptions options,
        ProcessEnvironment environment,
        TextWriter output,
        TextWriter errors)
    {
        foreach (var error in result.Errors)
        {
            errors.WriteLine($"error: {error}");
        }

        if (result.Config is null)
        {
            return 1;
        }

        var config = result.Config with
        {
            Upstreams = UpstreamPlaces.FindHere(result.Config.Upstreams, environment).Upstreams,
        };
        foreach (var line in Lines(config, options, environment))
        {
            output.WriteLine(line);
        }

        return 0;
    }

    private static List<string> Lines(GatewayConfig config, ExplainOptions options, ProcessEnvironment environment)
    {
        using var silent = new StderrLines(Stream.Null);
        var log = new OperationalLog(silent, SystemClock.Instance, LogLevel.Error);
        using var outbound = new OutboundHttp(environment, log);
        var routes = new ModelRoutes(
            new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels),
            UpstreamList.Create(config, outbound, environment, SystemClock.Instance, log));
        var pushed = PushedSettings.From(config, routes.Placements());
        var policies = new ManagedPolicies(config.Managed, pushed);
        var principal = new Principal(options.Sub, options.Email, null, options.Groups)
        {
            ExpiresAt = DateTimeOffset.MaxValue,
        };
        var models = new ModelListing(routes, policies.ModelsOf).For(principal);
        return
        [
            $"developer: sub {principal.Sub}, {(principal.Email is null ? "no e-mail" : "e-mail " + principal.Email)}, "
                + $"{(principal.Groups.Count == 0 ? "no groups" : "groups " + string.Join(", ", principal.Groups))}",
            .. new PolicyExplanation(config, policies, pushed).Lines(principal, models),
            "",
            config.Admin is null
            ? "spend limits: not enforced (no admin section)"
            : "spend limits: kept in the store; ask the running gateway: GET "
                + $"/v1/organizations/spend_limits/effective?user_ids[]={Uri.EscapeDataString(principal.Sub)}",
        ];
    }
}
