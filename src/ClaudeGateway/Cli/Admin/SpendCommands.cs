using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Cli.Admin.Apply;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin;

/// <summary><c>claude-gateway spend …</c>: the admin API for people and scripts. One method per command.</summary>
internal static class SpendCommands
{
    private const string UserHelp = "id|address";

    public static Command Create()
    {
        var limits = new Command("limits", "Show and change spend limits.") { ListLimits(), SetLimit(), DeleteLimit() };
        return AdminCommand.WithOptions(
            new Command("spend", "Spend and its limits, over the admin API." + AdminCommand.Credentials)
        {
            limits, ApplyCommand.Create(), ExportCommand.Create(), Top(), User(), Audit(), SignOut(),
        });
    }

    private static Command ListLimits()
    {
        var scope = new Option<string?>("--scope")
        {
            Description = "Only those of users, groups or the organization.",
            HelpName = "scope",
        };
        scope.AcceptOnlyFromAmong("user", "group", "organization");
        var user = new Option<string?>("--user") { Description = "Only this developer's own.", HelpName = UserHelp };
        return AdminCommand.Build(
            "list", "List every limit.", [scope, user], async (client, parsed, format, cancellation) =>
        {
            var userId = parsed.GetValue(user) is { } named ? await client.FindUserAsync(named, cancellation) : null;
            var type = userId is not null ? "user"
                : parsed.GetValue(scope) is "group" ? "rbac_group" : parsed.GetValue(scope);
            var limits = await client.ListLimitsAsync(type, cancellation);
            return Report.Write(
                userId is null ? limits : limits.FindAll(limit => LimitTarget.IsOfUser(limit, userId)),
                SpendReports.Limits,
                format);
        });
    }

    private static Command SetLimit()
    {
        var target = new TargetOptions();
        var amount = new Option<string?>("--amount")
        {
            Description = "Dollars each developer may spend in the period.",
            HelpName = "dollars",
        };
        var unlimited = new Option<bool>("--unlimited") { Description = "No limit, whatever wider ones say." };
        var budget = new Option<string?>("--budget")
        {
            Description = "Dollars a group's members share each month.",
            HelpName = "dollars",
        };
        var pause = new Option<bool?>("--pause-budget")
        {
            Description = "Stop (true) or resume (false) counting against the shared budget.",
            HelpName = "true|false",
        };
        return AdminCommand.Build(
            "set",
            "Set a limit, or a group's shared budget.",
            [.. target.All, amount, unlimited, budget, pause],
            async (client, parsed, format, cancellation) =>
        {
            var body = target.Read(parsed).ToJson();
            if (parsed.GetValue(unlimited))
            {
                body["amount"] = null;
            }
            else if (parsed.GetValue(amount) is { } dollars)
            {
                body["amount"] = LimitTarget.Cents(dollars, amount.Name);
            }

            if (parsed.GetValue(budget) is { } shared)
            {
                body["pooled_budget"] = new JsonObject { ["amount"] = LimitTarget.Cents(shared, budget.Name) };
            }

            if (parsed.GetValue(pause) is { } isPaused)
            {
                var pool = body["pooled_budget"] as JsonObject ?? [];
                pool["paused"] = isPaused;
                body["pooled_budget"] = pool;
            }

            return Report.Write(
                [await client.SetLimitAsync(body.ToJsonString(), cancellation)], SpendReports.Limits, format);
        });
    }

    private static Command DeleteLimit()
    {
        var target = new TargetOptions();
        var id = new Option<string?>("--id")
        {
            Description = "The limit's id, instead of whose it is.",
            HelpName = "spl_…",
        };
        return AdminCommand.Build(
            "delete",
            "Delete a limit: wider ones hold again.",
            [id, .. target.All],
            async (client, parsed, format, cancellation) =>
        {
            if (parsed.GetValue(id) is not { } limitId)
            {
                var named = target.Read(parsed);
                var wanted = named with { Scope = await FindAsync(client, named.Scope, cancellation) };
                var limits = await client.ListLimitsAsync(wanted.Scope.TypeName, cancellation);
                // Of the address itself there may be one from before it was known whose it is.
                var found = limits.Exists(wanted.Matches) ? limits.Find(wanted.Matches) : limits.Find(named.Matches);
                limitId = found.ValueKind == JsonValueKind.Object
                    ? found.GetProperty("id").GetString()!
                    : throw new OperatorException("there is no such limit");
            }

            var deleted = await client.DeleteLimitAsync(limitId, cancellation);
            return format == ReportFormat.Json ? deleted + "\n" : $"Deleted {Terminal.Printable(limitId)}.\n";
        });
    }

    private static Command Top()
    {
        var period = TargetOptions.PeriodOption();
        var count = new Option<int>("--limit")
        {
            Description = "How many developers, 1 to 1000.",
            DefaultValueFactory = _ => 20,
            HelpName = "count",
        };
        var search = new Option<string?>("--search")
        {
            Description = "Only those whose id, name or address contains this.",
            HelpName = "text",
        };
        return AdminCommand.Build(
            "top", "Who spends most.", [period, count, search], async (client, parsed, format, cancellation) =>
        {
            var query = parsed.GetValue(search) is { } text ? "&q=" + Uri.EscapeDataString(text) : "";
            var page = await client.GetAsync(
                $"/effective?sort=spend_desc&period[]={parsed.GetValue(period)}&limit={parsed.GetValue(count)}{query}",
                cancellation);
            return Report.Write([.. page.GetProperty("data").EnumerateArray()], SpendReports.Spend, format);
        });
    }

    private static Command User()
    {
        var users = new Argument<string[]>("user")
        {
            Description = "Ids of developers (the sub of their sign-in), or e-mail addresses.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = AdminCommand.Build(
            "user",
            "What developers have spent, and the limits that hold for them.",
            [],
            async (client, parsed, format, cancellation) =>
        {
            var query = string.Join(
                '&', parsed.GetValue(users)!.Select(user => "user_ids[]=" + Uri.EscapeDataString(user)));
            var page = await client.GetAsync("/effective?" + query, cancellation);
            return Report.Write([.. page.GetProperty("data").EnumerateArray()], SpendReports.Spend, format);
        });
        command.Arguments.Add(users);
        return command;
    }

    private static Command Audit()
    {
        var count = new Option<int>("--limit")
        {
            Description = "How many changes.",
            DefaultValueFactory = _ => 50,
            HelpName = "count",
        };
        return AdminCommand.Build(
            "audit", "Who changed which limit, newest first.", [count], async (client, parsed, format, cancellation) =>
            Report.Write(
                await client.ListAuditAsync(Math.Max(1, parsed.GetValue(count)), cancellation),
                SpendReports.Audit,
                format));
    }

    private static Command SignOut()
    {
        var user = new Argument<string>("user")
        {
            Description = "The developer's id (the sub of his sign-in), or e-mail address.",
        };
        var command = AdminCommand.Build(
            "sign-out",
            "End everything a developer holds, on every replica.",
            [],
            async (client, parsed, format, cancellation) =>
        {
            var userId = await client.FindUserAsync(parsed.GetValue(user)!, cancellation);
            var answer = await client.SignOutAsync(
                new JsonObject { ["user_id"] = userId }.ToJsonString(), cancellation);
            return format == ReportFormat.Json ? answer + "\n" : $"Signed out {Terminal.Printable(userId)}.\n";
        });
        command.Arguments.Add(user);
        return command;
    }

    private static async Task<SpendScope> FindAsync(
        AdminClient client, SpendScope scope, CancellationToken cancellation) =>
        scope.Type == SpendScopeType.User
            ? scope with { Id = await client.FindUserAsync(scope.Id, cancellation) }
            : scope;

    /// <summary>The options that name a cap.</summary>
    private sealed class TargetOptions
    {
        private readonly Option<string?> _user = new("--user")
        {
            Description = "A developer's id (the sub of his sign-in), or e-mail address.",
            HelpName = UserHelp,
        };
        private readonly Option<string?> _group = new("--group")
        {
            Description = "A group: the limit of each of its members.",
            HelpName = "name",
        };
        private readonly Option<bool> _organization = new("--organization")
        {
            Description = "Everybody: the limit of each developer.",
        };
        private readonly Option<string> _period = PeriodOption();

        public IEnumerable<Option> All => [_user, _group, _organization, _period];

        public static Option<string> PeriodOption()
        {
            var period = new Option<string>("--period")
            {
                Description = "daily, weekly or monthly.",
                DefaultValueFactory = _ => "monthly",
                HelpName = "period",
            };
            period.AcceptOnlyFromAmong("daily", "weekly", "monthly");
            return period;
        }

        public LimitTarget Read(ParseResult parsed) =>
            LimitTarget.From(
                parsed.GetValue(_user),
                parsed.GetValue(_group),
                parsed.GetValue(_organization),
                parsed.GetValue(_period)!);
    }
}
