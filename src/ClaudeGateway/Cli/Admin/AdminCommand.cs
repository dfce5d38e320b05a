using System.CommandLine;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli.Admin;

/// <summary>What one command does with the admin API; returns what it prints.</summary>
internal delegate Task<string> AdminWork(
    AdminClient client, ParseResult parsed, ReportFormat format, CancellationToken cancellation);

/// <summary>What one command does that prints by itself; returns its exit code.</summary>
internal delegate Task<int> AdminTask(
    AdminClient client, ParseResult parsed, ReportFormat format, CancellationToken cancellation);

/// <summary>What commands over the admin API share: where the gateway is, who calls, how answers are printed.</summary>
internal static class AdminCommand
{
    public const string Credentials =
        $" Credentials come from {AdminCredential.KeyVariable} or {AdminCredential.BearerVariable}.";

    /// <summary>As shells have it for a program that SIGINT ended.</summary>
    public const int InterruptedExitCode = 130;

    private static readonly Option<string?> Url = new("--url")
    {
        Description = "The gateway's address; CLAUDE_GATEWAY_URL unless given.",
        HelpName = "url",
        Recursive = true,
    };

    private static readonly Option<bool> AsJson = new("--json")
    {
        Description = "Print the API's objects.",
        Recursive = true,
    };

    private static readonly Option<bool> AsCsv = new("--csv")
    {
        Description = "Print comma-separated values.",
        Recursive = true,
    };

    /// <summary>Gives a command, and those below it, the options all share.</summary>
    public static Command WithOptions(Command command)
    {
        command.Options.Add(Url);
        command.Options.Add(AsJson);
        command.Options.Add(AsCsv);
        return command;
    }

    public static Command Build(string name, string description, IEnumerable<Option> options, AdminWork work) =>
        BuildTask(
            name,
            description,
            options,
            async (client, parsed, format, cancellation) =>
        {
            await Console.Out.WriteAsync(await work(client, parsed, format, cancellation));
            return 0;
        });

    public static Command BuildTask(string name, string description, IEnumerable<Option> options, AdminTask work)
    {
        var command = new Command(name, description);
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction((parsed, cancellation) => RunAsync(parsed, ProcessEnvironment.Current(), work, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, ProcessEnvironment environment, AdminTask work, CancellationToken cancellation)
    {
        using var lines = new StderrLines();
        try
        {
            var format = parsed.GetValue(AsJson)
                ? ReportFormat.Json : parsed.GetValue(AsCsv) ? ReportFormat.Csv
                : ReportFormat.Table;
            using var outbound = new OutboundHttp(
                environment.ForOwnMachine(), new OperationalLog(lines, SystemClock.Instance, LogLevel.Warn));
            var client = new AdminClient(
                outbound.CreateClient(new OutboundOptions()),
                GatewayUrl.Read(
                    parsed.GetValue(Url) ?? environment["CLAUDE_GATEWAY_URL"]
                    ?? throw new OperatorException("which gateway? Set CLAUDE_GATEWAY_URL or pass --url")),
                AdminCredential.From(environment),
                SystemClock.Instance);
            return await work(client, parsed, format, cancellation);
        }
        catch (OperatorException e)
        {
            return ServeCommand.Fail([e.Message]);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // Members that every answer of the admin API has, or has as another type.
            return ServeCommand.Fail(
                [$"what answers is not the admin API of a gateway, or of another release: {e.Message}"]);
        }
        catch (OperationCanceledException)
        {
            return InterruptedExitCode;
        }
    }
}
