using ClaudeGateway.Config;

namespace ClaudeGateway;

/// <summary><c>check</c>: everything <c>serve</c> would say about the file, without a service.</summary>
internal static class CheckCommand
{
    public static int Run(string? configPath, bool print, ProcessEnvironment environment, TextWriter output, TextWriter errors)
    {
        if (configPath is null)
        {
            errors.WriteLine("claude gateway: --config is required: the path of gateway.yaml");
            return 1;
        }

        var result = GatewayConfigReader.Read(configPath, environment);
        foreach (var warning in result.Warnings)
        {
            errors.WriteLine($"warning: {warning.Describe(configPath)}");
        }

        foreach (var error in result.Errors)
        {
            errors.WriteLine($"error: {error}");
        }

        if (result.Config is null)
        {
            return 1;
        }

        output.WriteLine(print ? ConfigPrinter.Print(result.Root!) : "ok");
        return 0;
    }
}
