using System.CommandLine;

namespace ClaudeGateway;

/// <summary>The command line: <c>serve</c> (the default), <c>check</c>, <c>dev</c>, <c>login</c> and <c>version</c>. One line per command.</summary>
internal static class CommandLine
{
    public static Task<int> RunAsync(string[] args)
    {
        // The reference is started as `claude gateway --config …`; its arguments work here unchanged.
        var own = args is ["gateway", .. var rest] ? rest : args;
        return Root().Parse(own).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static RootCommand Root()
    {
        var config = ConfigOption();
        var root = new RootCommand("claude-gateway: one sign-in, one endpoint and one policy for Claude in your company.") { config };
        root.SetAction((parsed, cancellation) => ServeCommand.RunAsync(parsed.GetValue(config), cancellation));
        root.Subcommands.Add(Serve());
        root.Subcommands.Add(Check());
        return root;
    }

    private static Command Serve()
    {
        var config = ConfigOption();
        var serve = new Command("serve", "Start the gateway (the default).") { config };
        serve.SetAction((parsed, cancellation) => ServeCommand.RunAsync(parsed.GetValue(config), cancellation));
        return serve;
    }

    private static Command Check()
    {
        var config = ConfigOption();
        var check = new Command("check", "Read and check a configuration without touching any service.") { config };
        check.SetAction(parsed => CheckCommand.Run(parsed.GetValue(config), ProcessEnvironment.Current(), Console.Out, Console.Error));
        return check;
    }

    private static Option<string?> ConfigOption() => new("--config", "-c") { Description = "Path of gateway.yaml.", HelpName = "path" };
}
