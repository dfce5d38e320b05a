using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Cli.Admin.Apply;

/// <summary>The budget a group shares.</summary>
/// <param name="Amount">Cents, without leading zeros.</param>
internal sealed record LimitPool(string Amount, bool IsPaused);

/// <summary>What a limit says, wherever it stands: in a file or at a gateway.</summary>
/// <param name="Amount">Cents, without leading zeros; null for no limit whatever wider ones say.</param>
/// <param name="Pool">Of a group's monthly limit alone; null without a shared budget.</param>
internal sealed record LimitState(LimitTarget Target, string? Amount, LimitPool? Pool)
{
    /// <summary>As the admin API lists it.</summary>
    public static LimitState Of(JsonElement limit)
    {
        var scope = limit.GetProperty("scope");
        var type = SpendScope.ParseType(scope.GetProperty("type").GetString())
            ?? throw new FormatException("a limit of an unknown scope");
        var id = type switch
        {
            SpendScopeType.User => scope.GetProperty("user_id").GetString()!,
            SpendScopeType.RbacGroup => scope.GetProperty("rbac_group_id").GetString()!,
            _ => "",
        };
        var period = SpendPeriods.Parse(limit.GetProperty("period").GetString())
            ?? throw new FormatException("a limit of an unknown period");
        var pool = limit.TryGetProperty("pooled_budget", out var shared) && shared.ValueKind == JsonValueKind.Object
            && shared.GetProperty("amount").GetString() is { } amount
                ? new LimitPool(amount, shared.GetProperty("paused").GetBoolean())
                : null;
        return new LimitState(
            new LimitTarget(new SpendScope(type, id), period), limit.GetProperty("amount").GetString(), pool);
    }

    /// <summary>As the file has it: members that say nothing left out.</summary>
    public JsonObject ToJson()
    {
        var json = Target.ToJson();
        json["amount"] = Amount;
        if (Pool is not null)
        {
            json["pooled_budget"] = new JsonObject { ["amount"] = Pool.Amount, ["paused"] = Pool.IsPaused };
        }

        return json;
    }

    /// <summary>
    /// The body of POST that makes it so, whatever is stored: what a body leaves out the gateway would keep.
    /// </summary>
    public string ToRequest(LimitState? before)
    {
        var json = ToJson();
        if (Pool is null && before?.Pool is not null)
        {
            // Only a paused budget can be without an amount; then nothing of it is left.
            json["pooled_budget"] = new JsonObject { ["amount"] = null, ["paused"] = true };
        }

        return json.ToJsonString();
    }

    /// <summary>Whose it is, for people.</summary>
    public string Name => $"{Target.Scope.TypeName} {Target.Scope.Id}".TrimEnd() + " " + Target.Period.Name();

    public string AmountText => Amount is null ? "unlimited" : Dollars(Amount);

    public string PoolText =>
        Pool is null ? "no budget" : $"budget {Dollars(Pool.Amount)}{(Pool.IsPaused ? " paused" : "")}";

    /// <summary>Cents as dollars.</summary>
    public static string Dollars(string cents) =>
        (decimal.Parse(cents, NumberStyles.None, CultureInfo.InvariantCulture) / 100)
        .ToString("0.00", CultureInfo.InvariantCulture);
}

/// <summary>A limit that a gateway has.</summary>
internal sealed record StoredLimit(string Id, LimitState State);
