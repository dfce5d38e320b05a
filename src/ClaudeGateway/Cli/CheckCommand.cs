using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli;

/// <summary><c>check</c>: everything <c>serve</c> would say about the configuration, without a service.</summary>
internal static class CheckCommand
{
    public static int Run(
        ConfigReadResult result, bool print, ProcessEnvironment environment, TextWriter output, TextWriter errors)
    {
        if (result.Config is not { } config)
        {
            List(errors, "warning", result.Warnings.Select(warning => warning.Describe(result.Path)));
            List(errors, "error", result.Errors);
            return 1;
        }

        try
        {
            List(errors, "warning", ConfigAdvice.For(config, environment, SystemClock.Instance));
        }
        catch (OperatorException e)
        {
            List(errors, "error", [e.Message]);
            return 1;
        }

        output.WriteLine(print ? ConfigPrinter.Print(result.Root!) : "ok");
        return 0;
    }

    private static void List(TextWriter errors, string severity, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            errors.WriteLine($"{severity}: {line}");
        }
    }
}
