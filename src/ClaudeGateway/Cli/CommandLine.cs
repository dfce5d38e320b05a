using System.CommandLine;
using ClaudeGateway.Cli.Admin;
using ClaudeGateway.Cli.Doctor;
using ClaudeGateway.Config;
using ClaudeGateway.Dev;
using ClaudeGateway.Process;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Cli;

/// <summary>
/// The command line: <c>serve</c> (the default), <c>check</c>, <c>doctor</c>, <c>health</c>, <c>dev</c>, <c>login</c>,
/// <c>spend</c>, <c>machines</c>, <c>import</c> and <c>version</c>. One line per command.
/// </summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        // The reference is started as `claude gateway --config …`; its arguments work here unchanged.
        var own = args is ["gateway", .. var rest] ? rest : args;
        // Before anything that takes time; commands that do not serve end by SIGHUP as any program does.
        using var hangUps = own is [] or ["serve" or "dev", ..] or [['-' or '@', ..], ..] ? new HangUps() : null;
        var parsed = Root(hangUps).Parse(own);
        return parsed.Errors.Count > 0
            ? ServeCommand.Fail([Problems(parsed) + ". See claude-gateway --help"])
            : await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static string Problems(ParseResult parsed) =>
        string.Join("; ", parsed.Errors.Select(error => OneLine(error.Message).TrimEnd('.')));

    private static string OneLine(string message) =>
        string.Join(' ', message.Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    /// <param name="hangUps">Null when the arguments name a command that does not serve.</param>
    private static RootCommand Root(HangUps? hangUps)
    {
        var (config, poll) = (ConfigOption(), PollOption());
        var root = new RootCommand(
            "claude-gateway: one sign-in, one endpoint and one policy for Claude in your company.") { config, poll };
        root.SetAction((parsed, cancellation) =>
            ServeCommand.RunAsync(parsed.GetValue(config), parsed.GetValue(poll), hangUps!, cancellation));
        root.Subcommands.Add(Serve(hangUps));
        root.Subcommands.Add(Check());
        root.Subcommands.Add(Diagnose());
        root.Subcommands.Add(Health());
        root.Subcommands.Add(Schema());
        root.Subcommands.Add(Explain());
        root.Subcommands.Add(Develop(hangUps));
        root.Subcommands.Add(Login());
        root.Subcommands.Add(SpendCommands.Create());
        root.Subcommands.Add(MachinesCommand.Create());
        root.Subcommands.Add(ImportCommand.Create(ConfigOption()));
        root.Subcommands.Add(Version());
        return root;
    }

    private static Command Serve(HangUps? hangUps)
    {
        var (config, poll) = (ConfigOption(), PollOption());
        var serve = new Command("serve", "Start the gateway (the default).") { config, poll };
        serve.SetAction((parsed, cancellation) =>
            ServeCommand.RunAsync(parsed.GetValue(config), parsed.GetValue(poll), hangUps!, cancellation));
        return serve;
    }

    private static Command Check()
    {
        var config = ConfigOption();
        var print = new Option<bool>("--print")
        {
            Description = "Print the resolved configuration with secrets masked.",
        };
        var check = new Command(
            "check", "Read and check a configuration without touching any service but its URL's.") { config, print };
        check.SetAction(
            async (parsed, cancellation) =>
            {
                var environment = ProcessEnvironment.Current();
                var result = await ServeCommand.ReadAsync(parsed.GetValue(config), environment, cancellation);
                return CheckCommand.Run(result, parsed.GetValue(print), environment, Console.Out, Console.Error);
            });
        return check;
    }

    private static Command Diagnose()
    {
        var config = ConfigOption();
        var internalNetworks = new Option<string[]>("--internal-network")
        {
            Description =
                "A block of gatewayInternalNetworks in the machines' managed settings, e.g. 9.0.0.0/8; repeatable.",
        };
        var doctor = new Command(
            "doctor",
            "Ask every service of a configuration one harmless question with the real credentials, and look at "
                + "public_url as a client does.") { config, internalNetworks };
        doctor.SetAction(
            (parsed, cancellation) =>
                DoctorCommand.RunAsync(
                    parsed.GetValue(config),
                    parsed.GetValue(internalNetworks) ?? [],
                    ProcessEnvironment.Current(),
                    Console.Out,
                    cancellation));
        return doctor;
    }

    private static Command Health()
    {
        var url = new Option<string>("--url")
        {
            Description = "Address of the gateway; of one on this machine any certificate is accepted.",
            DefaultValueFactory = _ => "http://127.0.0.1:8080",
            HelpName = "url",
        };
        var ready = new Option<bool>("--ready")
        {
            Description = "Ask whether it can serve (/readyz: the store answers, too), not only whether it runs.",
        };
        var timeout = new Option<int>("--timeout")
        {
            Description = "Seconds the answer may take, 1 to 300.",
            DefaultValueFactory = _ => 3,
            HelpName = "seconds",
        };
        timeout.Validators.Add(result =>
        {
            if (result.Tokens is [var given, ..]
                && (!int.TryParse(given.Value, out var seconds) || seconds is < 1 or > 300))
            {
                result.AddError("--timeout takes whole seconds from 1 to 300");
            }
        });
        var health = new Command(
            "health", "Ask a running gateway how it is: exit code 0 when well, 1 with the reason when not.") { url,
                ready, timeout };
        health.SetAction(
            (parsed, cancellation) =>
                HealthCommand.RunAsync(
                    new HealthOptions(
                        parsed.GetValue(url)!, parsed.GetValue(ready),
                        TimeSpan.FromSeconds(parsed.GetValue(timeout))),
                    cancellation));
        return health;
    }

    private static Command Schema()
    {
        var format = new Option<string>("--format")
        {
            Description = "json: a JSON Schema for editors; markdown: docs/configuration.md.",
            DefaultValueFactory = _ => "json",
            HelpName = "format",
        };
        format.AcceptOnlyFromAmong("json", "markdown");
        var settings = new Option<bool>("--settings")
        {
            Description =
                "Print what settings documents may hold instead: the built-in data, in the form "
                    + "managed.settings_schema takes.",
        };
        var schema = new Command("schema", "Describe every key of gateway.yaml.") { format, settings };
        schema.SetAction(
            parsed =>
                Console.Out.Write(
                    parsed.GetValue(settings)
                    ? SettingsSchemas.Text() + "\n" : parsed.GetValue(format) is "markdown" ? ConfigReference.Markdown()
                    : ConfigSchema.Text() + "\n"));
        return schema;
    }

    private static Command Explain()
    {
        var config = ConfigOption();
        var sub = new Option<string>("--user")
        {
            Description = "The developer's subject (sub) at the identity provider.",
            DefaultValueFactory = _ => "developer",
            HelpName = "sub",
        };
        var email = new Option<string?>("--email")
        {
            Description = "The developer's e-mail address.",
            HelpName = "address",
        };
        var groups = new Option<string>("--groups")
        {
            Description = "The developer's groups, separated by commas.",
            DefaultValueFactory = _ => "",
            HelpName = "a,b",
        };
        var explain = new Command(
            "explain",
            "Print what one developer is served: policies, settings with their origin, models.") { config, sub, email,
                groups };
        explain.SetAction(async (parsed, cancellation) =>
        {
            var environment = ProcessEnvironment.Current();
            var developer = new ExplainOptions(
                parsed.GetValue(sub)!,
                parsed.GetValue(email),
                parsed.GetValue(groups)!.Split(
                    ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            var result = await ServeCommand.ReadAsync(parsed.GetValue(config), environment, cancellation);
            return ExplainCommand.Run(result, developer, environment, Console.Out, Console.Error);
        });
        return explain;
    }

    private static Command Develop(HangUps? hangUps)
    {
        var port = new Option<int>("--port")
        {
            Description = "Port of the gateway on this machine; 0 takes a free one.",
            DefaultValueFactory = _ => 8080,
            HelpName = "port",
        };
        var idpPort = new Option<int?>("--idp-port")
        {
            Description = "Port of the identity provider; the one after the gateway's unless given.",
            HelpName = "port",
        };
        var data = new Option<string>("--data")
        {
            Description = "Folder that keeps secrets and sessions.",
            DefaultValueFactory = _ => DevFolder.DefaultName,
            HelpName = "folder",
        };
        var dev = new Command(
            "dev",
            "Try the gateway on this machine: brings an identity provider, a simulated model and a store.") { port,
                idpPort, data };
        dev.SetAction((parsed, cancellation) =>
            DevCommand.RunAsync(
                new DevOptions(parsed.GetValue(port), parsed.GetValue(idpPort), parsed.GetValue(data)!),
                ProcessEnvironment.Current(),
                hangUps!,
                cancellation));
        return dev;
    }

    private static Command Login()
    {
        var url = new Argument<string>("url")
        {
            Description = "The gateway's address, e.g. https://claude.example.com.",
        };
        var login = new Command("login", "Sign in at a gateway and print a bearer for curl.") { url };
        login.SetAction(
            (parsed, cancellation) =>
                LoginCommand.RunAsync(parsed.GetValue(url)!, ProcessEnvironment.Current(), cancellation));
        return login;
    }

    private static Command Version()
    {
        var version = new Command("version", "Print the version.");
        version.SetAction(_ => Console.Out.WriteLine(GatewayVersion.Text));
        return version;
    }

    private static Option<string?> ConfigOption() => new("--config", "-c")
    {
        Description = "Path of gateway.yaml, or its URL: https://…, s3://bucket/key, gs://bucket/object.",
        HelpName = "path|url",
    };

    private static Option<string?> PollOption() => new("--config-poll")
    {
        Description =
            $"How often a URL or file is looked at for another version; {ConfigPolling.Variable} unless given. By default a "
                + "URL every 30 s, a file only on SIGHUP; 0 for never.",
        HelpName = "seconds",
    };
}
