using System.CommandLine;
using System.Data.Common;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Credentials;
using ClaudeGateway.Import;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Cli;

/// <summary>What <c>import</c> was asked for.</summary>
/// <param name="From">The source's postgres:// URL; null takes it from the environment.</param>
/// <param name="FromVariable">The variable that holds the URL; null is IMPORT_FROM.</param>
internal sealed record ImportOptions(
    string? ConfigPath, string? From, string? FromVariable, bool Apply, bool Overwrite);

/// <summary>
/// <c>import</c>: copies limits, spend, people and the audit trail of the reference's database into the store of a
/// configuration; without <c>--apply</c> it only says what it would do.
/// </summary>
internal static class ImportCommand
{
    private const string DefaultVariable = "IMPORT_FROM";

    public static Command Create(Option<string?> config)
    {
        var from = new Option<string?>("--from")
        {
            Description =
                "postgres:// URL of the store that Anthropic's gateway used. Others on this machine can read a command "
                    + $"line: better in the variable {DefaultVariable}.",
            HelpName = "url",
        };
        var variable = new Option<string?>("--from-env")
        {
            Description = $"Name of the variable that holds the URL; {DefaultVariable} unless given.",
            HelpName = "name",
        };
        var apply = new Option<bool>("--apply", "--yes")
        {
            Description = "Write. Without it nothing is changed.",
        };
        var overwrite = new Option<bool>("--overwrite")
        {
            Description = "Where a limit is another one here, take that of the source.",
        };
        var command = new Command(
            "import",
            "Copy limits, spend, people and audit trail from the database of Anthropic's gateway: a dry run, until "
                + "--apply. May be repeated: only what is new there is added.") { config, from, variable, apply, overwrite };
        command.SetAction((parsed, cancellation) => RunAsync(
            new ImportOptions(
                parsed.GetValue(config),
                parsed.GetValue(from),
                parsed.GetValue(variable),
                parsed.GetValue(apply),
                parsed.GetValue(overwrite)),
            ProcessEnvironment.Current(),
            Console.Out,
            cancellation));
        return command;
    }

    public static async Task<int> RunAsync(
        ImportOptions options, ProcessEnvironment environment, TextWriter output, CancellationToken cancellation)
    {
        var result = ServeCommand.Read(options.ConfigPath, environment);
        if (result.Config is not { } config)
        {
            return ServeCommand.Fail(result.Errors);
        }

        using var lines = new StderrLines();
        var log = new OperationalLog(lines, SystemClock.Instance, LogLevel.Warn);
        try
        {
            var data = await ReadAsync(Source(options, environment), environment, log, cancellation);
            using var outbound = new OutboundHttp(environment, log);
            var tokens = DatabaseTokens.For(config.Store, environment, outbound, SystemClock.Instance);
            StoreToken? token = tokens is null ? null : tokens.GetAsync;
            // A dry run makes no tables either.
            var store = new StoreStartup(
                config, options.Apply ? StoreTables.Migrations : [], environment, SystemClock.Instance, log, token);
            await using var database = await store.OpenAsync(cancellation);
            var importer = new Importer(database, SystemClock.Instance, log, Progress);
            var plan = options.Apply
                ? await importer.ApplyAsync(data, options.Overwrite)
                : await importer.PlanAsync(data, options.Overwrite);
            foreach (var line in ImportReport.Lines(data, plan))
            {
                await output.WriteLineAsync(Terminal.Printable(line));
            }

            await output.WriteLineAsync(
                options.Apply ? "imported." : "a dry run: nothing was changed. With --apply it is done.");
            return 0;
        }
        catch (Exception e) when (e is OperatorException or StoreUnavailableException or DbException)
        {
            lines.Dispose();
            return ServeCommand.Fail([Terminal.Printable(Describe(e))]);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    private static string Describe(Exception exception) => exception switch
    {
        StoreOutcomeUnknownException e =>
            $"the store did not confirm the import ({e.Message}): all of it was done or nothing. Run it once more",
        StoreUnavailableException e => $"the store went away ({e.Message}): nothing was changed. Run it once more",
        DbException e => $"the store refuses the import: {StoreErrors.Describe(e)}. Nothing was changed",
        _ => exception.Message,
    };

    private static async Task<ReferenceData> ReadAsync(
        Secret url, ProcessEnvironment environment, OperationalLog log, CancellationToken cancellation)
    {
        try
        {
            var target = PostgresUrl.Parse(new StoreConfig { PostgresUrl = url });
            target.Settings.Pooling = false;
            await using var source = new PostgresDataSource(target, null, environment, log);
            return await new ReferenceSource(source, Progress).ReadAsync(cancellation);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new OperatorException($"the source's URL cannot be used: {e.Message}", e);
        }
        catch (OperatorException e) when (e.Message.Contains("store.postgres_url", StringComparison.Ordinal))
        {
            // The one reader of such URLs names the key that it mostly comes from.
            throw new OperatorException(
                e.Message.Replace("store.postgres_url", "the source's URL", StringComparison.Ordinal), e);
        }
    }

    private static Secret Source(ImportOptions options, ProcessEnvironment environment)
    {
        if (options is { From: not null, FromVariable: not null })
        {
            throw new OperatorException("give --from or --from-env, not both");
        }

        var variable = options.FromVariable ?? DefaultVariable;
        var url = options.From ?? environment[variable];
        return !string.IsNullOrWhiteSpace(url) ? new Secret(url.Trim())
            : options.From is null && options.FromVariable is null
                ? throw new OperatorException(
                    $"from which database? Set {DefaultVariable} to the postgres:// URL of the store that Anthropic's "
                        + "gateway used, or give --from-env or --from")
                : throw new OperatorException(
                    options.From is null ? $"the environment has no variable {variable}" : "--from is empty");
    }

    private static void Progress(string what)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.WriteLine(what);
        }
    }
}
