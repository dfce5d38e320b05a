using System.CommandLine;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary>
/// <c>spend apply</c>: makes the limits of a gateway equal a file. 1. The file whole, 2. what is there, 3. whom
/// addresses mean, 4. the difference, shown, 5. the consent, 6. the writes, each audited by the gateway.
/// </summary>
internal static class ApplyCommand
{
    /// <summary>Of a dry run that found a difference; as terraform and diff have it, apart from an error.</summary>
    public const int DiffersExitCode = 2;

    private const long MaxFileBytes = 16 * 1024 * 1024;

    private static readonly Option<string> File = new("--file", "-f")
    {
        Description = "The file; - for standard input.",
        HelpName = "limits.yaml",
        Required = true,
    };

    private static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "Show the difference and write nothing; exit code 0 without one, 2 with one.",
    };

    private static readonly Option<string> Prune = new("--prune")
    {
        Description =
            "Of which scopes limits that the file does not have are deleted: all, none, or some of user, group and "
                + "organization.",
        DefaultValueFactory = _ => "all",
        HelpName = "a,b",
    };

    private static readonly Option<bool> AllowEmpty = new("--allow-empty")
    {
        Description = "Let a file without limits delete those that are there.",
    };

    private static readonly Option<bool> Yes = new("--yes", "-y") { Description = "Do not ask before writing." };

    public static Command Create() => AdminCommand.BuildTask(
        "apply",
        "Make the limits equal a file: what it has is set, what it has not is deleted.",
        [File, DryRun, Prune, AllowEmpty, Yes],
        async (client, parsed, format, cancellation) =>
        {
            var file = parsed.GetValue(File)!;
            var options = new ApplyOptions(
                file is "-" ? "standard input" : file,
                parsed.GetValue(DryRun),
                ReadPrune(parsed.GetValue(Prune)!),
                parsed.GetValue(AllowEmpty),
                parsed.GetValue(Yes) ? null : Consent.OfTerminal);
            return await RunAsync(
                client, await ReadAsync(file, cancellation), options, format, Console.Out, Console.Error, cancellation);
        });

    /// <summary>Steps 1 to 6.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="OperatorException">Nothing was written.</exception>
    public static async Task<int> RunAsync(
        AdminClient client,
        byte[] file,
        ApplyOptions options,
        ReportFormat format,
        TextWriter output,
        TextWriter errors,
        CancellationToken cancellation)
    {
        // 1. The file whole.
        var (limits, problems) = LimitsFile.Read(options.FileName, file);
        if (problems.Count > 0)
        {
            return await FailAsync(errors, options.FileName, problems);
        }

        // 2. What is there.
        StoredLimit[] stored =
        [
            .. (await client.ListLimitsAsync(null, cancellation)).Select(
                limit => new StoredLimit(limit.GetProperty("id").GetString()!, LimitState.Of(limit))),
        ];

        // 3. Whom addresses mean.
        var (resolved, unknown) = await LimitUsers.ResolveAsync(limits, stored, client, cancellation);
        if (unknown.Count > 0)
        {
            return await FailAsync(
                errors, options.FileName, [.. unknown.Select(problem => problem.Describe(options.FileName))]);
        }

        // 4. The difference.
        var plan = LimitsPlan.Of([.. resolved.Select(limit => limit.State)], stored, options.Prune);
        await output.WriteAsync(plan.Write(format));
        if (options.IsDryRun || plan.Changes.Count == 0)
        {
            return plan.Changes.Count == 0 ? 0 : DiffersExitCode;
        }

        if (resolved.Count == 0 && !options.AllowsEmpty)
        {
            throw new OperatorException(
                $"{options.FileName} has no limits, so {plan.Changes.Count} would be deleted: pass --allow-empty if that "
                    + "is meant. Nothing was written");
        }

        // 5. The consent.
        if (options.Consent is { } consent && !consent(plan.Changes.Count))
        {
            throw new OperatorException("not confirmed; nothing was written");
        }

        // 6. The writes.
        return await WriteAsync(client, plan, output, errors, format, cancellation);
    }

    /// <summary>In the plan's order; what fails leaves a gateway that the same command completes.</summary>
    private static async Task<int> WriteAsync(
        AdminClient client,
        LimitsPlan plan,
        TextWriter output,
        TextWriter errors,
        ReportFormat format,
        CancellationToken cancellation)
    {
        var done = 0;
        try
        {
            foreach (var change in plan.Changes)
            {
                await (change.After is { } limit
                    ? client.SetLimitAsync(limit.ToRequest(change.Before?.State), cancellation)
                    : client.DeleteLimitAsync(change.Before!.Id, cancellation));
                done++;
            }
        }
        catch (Exception e) when (e is OperatorException or OperationCanceledException)
        {
            await errors.WriteLineAsync(
                $"claude gateway: {(e is OperatorException ? e.Message : "interrupted")} (at: "
                    + $"{plan.Changes[done].Describe()}); {done} of {plan.Changes.Count} changes were made, in the order "
                    + "above. Run it again to make the rest");
            return e is OperatorException ? 1 : AdminCommand.InterruptedExitCode;
        }

        if (format == ReportFormat.Table)
        {
            await output.WriteLineAsync($"Done: {done} changes were made.");
        }

        return 0;
    }

    private static HashSet<SpendScopeType> ReadPrune(string text)
    {
        var scopes = new HashSet<SpendScopeType>();
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            scopes.UnionWith(word switch
            {
                "all" => Enum.GetValues<SpendScopeType>(),
                "none" => [],
                "user" => [SpendScopeType.User],
                "group" => [SpendScopeType.RbacGroup],
                "organization" => [SpendScopeType.Organization],
                _ => throw new OperatorException(
                    $"--prune: '{Terminal.Printable(word)}' is not all, none, user, group or organization"),
            });
        }

        return scopes;
    }

    private static async Task<byte[]> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            await using var stream = file is "-" ? Console.OpenStandardInput() : System.IO.File.OpenRead(file);
            using var bytes = new MemoryStream();
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellation)) > 0)
            {
                if (bytes.Length + read > MaxFileBytes)
                {
                    throw new OperatorException($"{file} is larger than {MaxFileBytes / 1024 / 1024} MiB");
                }

                await bytes.WriteAsync(buffer.AsMemory(0, read), cancellation);
            }

            return bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static async Task<int> FailAsync(TextWriter errors, string file, IReadOnlyList<string> problems)
    {
        foreach (var problem in problems.Count > 1 ? problems : [])
        {
            await errors.WriteLineAsync(problem);
        }

        await errors.WriteLineAsync(
            problems.Count == 1
            ? $"claude gateway: {problems[0]}. Nothing was written"
            : $"claude gateway: {file} has {problems.Count} problems, listed above. Nothing was written");
        return 1;
    }
}

/// <summary>What <c>spend apply</c> was told.</summary>
/// <param name="Prune">Of which scopes limits that the file does not have are deleted.</param>
/// <param name="Consent">Asked before writing, with the number of changes; null does not ask.</param>
internal sealed record ApplyOptions(
    string FileName, bool IsDryRun, IReadOnlySet<SpendScopeType> Prune, bool AllowsEmpty, Func<int, bool>? Consent);

/// <summary>Asks whoever sits there.</summary>
internal static class Consent
{
    /// <exception cref="OperatorException">Nobody can be asked.</exception>
    public static bool OfTerminal(int changes)
    {
        if (Console.IsInputRedirected)
        {
            throw new OperatorException(
                "nobody can be asked, because standard input is no terminal: pass --yes to write, or --dry-run to look. "
                    + "Nothing was written");
        }

        Console.Error.Write($"Make {changes} changes? Only 'yes' is taken: ");
        return Console.In.ReadLine()?.Trim() is "yes";
    }
}
