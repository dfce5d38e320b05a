using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Admin;

/// <summary>
/// Reads the body of POST (spec/spend.md). The first problem is reported as <c>field: text</c>, in the order scope,
/// amount, period, currency, pooled_budget; scripts read the field, so it is exact.
/// </summary>
internal sealed class SpendLimitRequest
{
    private const int MaxAmountDigits = 18;

    /// <summary>Ids are claims of an identity provider; longer ones are somebody's mistake.</summary>
    private const int MaxIdCharacters = 4096;

    private const string Scopes = "'user' | 'rbac_group' | 'organization'";
    private const string Periods = "'daily' | 'weekly' | 'monthly'";

    private string? _problem;

    private SpendLimitRequest()
    {
    }

    /// <summary>What the body asks for, or the first thing wrong with it.</summary>
    public static async Task<(SpendLimitDraft? Draft, string? Problem)> ReadAsync(
        Stream body, CancellationToken cancellation)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(body, default, cancellation);
            var reader = new SpendLimitRequest();
            var draft = reader.Read(document.RootElement);
            return (reader._problem ?? draft.Problem()) is { } problem ? (null, problem) : (draft, null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second for a member's name that is no text: an escaped lone surrogate.
            return (null, "invalid JSON body");
        }
    }

    private SpendLimitDraft Read(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            Complain($"Expected object, received {TypeName(body)}");
            return new SpendLimitDraft(default, default, false, null, null);
        }

        var scope = ReadScope(body);
        var hasAmount = body.TryGetProperty("amount", out var amountJson);
        var amount = hasAmount ? ReadAmount(amountJson, "amount") : null;
        if (!hasAmount && !(body.TryGetProperty("pooled_budget", out var pool) && pool.ValueKind != JsonValueKind.Null))
        {
            Complain("amount: Required");
        }

        var period = ReadPeriod(body);
        ReadCurrency(body, "currency");
        return new SpendLimitDraft(scope, period, hasAmount, amount, ReadPool(body));
    }

    private SpendScope ReadScope(JsonElement body)
    {
        if (!Require(body, "scope", "scope", out var scope) || !Expect(scope, JsonValueKind.Object, "object", "scope"))
        {
            return default;
        }

        var typeName = scope.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
            ? Text(type, "scope.type")
            : null;
        switch (SpendScope.ParseType(typeName))
        {
            case SpendScopeType.User:
                return new SpendScope(SpendScopeType.User, ReadId(scope, "user_id"));
            case SpendScopeType.RbacGroup:
                return new SpendScope(SpendScopeType.RbacGroup, ReadId(scope, "rbac_group_id"));
            case SpendScopeType.Organization:
                return SpendScope.Organization;
            default:
                Complain($"scope.type: Invalid discriminator value. Expected {Scopes}");
                return default;
        }
    }

    private string ReadId(JsonElement scope, string name)
    {
        var path = "scope." + name;
        if (!Require(scope, name, path, out var json) || !Expect(json, JsonValueKind.String, "string", path))
        {
            return "";
        }

        var id = Text(json, path);
        if (id.Length == 0)
        {
            Complain(path + ": String must contain at least 1 character(s)");
        }
        else if (id.Length > MaxIdCharacters)
        {
            Complain($"{path}: String must contain at most {MaxIdCharacters} character(s)");
        }
        else if (!StoredText.IsStorable(id))
        {
            Complain(path + ": must not contain a NUL character");
        }

        return id;
    }

    private long? ReadAmount(JsonElement json, string path)
    {
        if (json.ValueKind == JsonValueKind.Null || !Expect(json, JsonValueKind.String, "string", path))
        {
            return null;
        }

        var text = Text(json, path);
        if (text.Length is > 0 and <= MaxAmountDigits && !text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        }

        Complain(path + ": must be a whole-number decimal string of cents");
        return null;
    }

    private SpendPeriod ReadPeriod(JsonElement body)
    {
        if (!body.TryGetProperty("period", out var json) || !Expect(json, JsonValueKind.String, Periods, "period"))
        {
            return SpendPeriod.Monthly;
        }

        var name = Text(json, "period");
        if (SpendPeriods.Parse(name) is { } period)
        {
            return period;
        }

        Complain($"period: Invalid enum value. Expected {Periods}, received '{name}'");
        return SpendPeriod.Monthly;
    }

    private void ReadCurrency(JsonElement owner, string path)
    {
        if (owner.TryGetProperty("currency", out var json)
            && !(json.ValueKind == JsonValueKind.String && json.ValueEquals("USD"u8)))
        {
            Complain(path + ": Invalid literal value, expected \"USD\"");
        }
    }

    private PooledBudgetDraft? ReadPool(JsonElement body)
    {
        if (!body.TryGetProperty("pooled_budget", out var pool) || pool.ValueKind == JsonValueKind.Null
            || !Expect(pool, JsonValueKind.Object, "object", "pooled_budget"))
        {
            return null;
        }

        var hasAmount = pool.TryGetProperty("amount", out var amountJson);
        var amount = hasAmount ? ReadAmount(amountJson, "pooled_budget.amount") : null;
        bool? isPaused = null;
        if (pool.TryGetProperty("paused", out var paused) && paused.ValueKind != JsonValueKind.Null)
        {
            if (paused.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                isPaused = paused.GetBoolean();
            }
            else
            {
                Complain($"pooled_budget.paused: Expected boolean, received {TypeName(paused)}");
            }
        }

        ReadCurrency(pool, "pooled_budget.currency");
        return new PooledBudgetDraft(amount, hasAmount && amount is null, isPaused);
    }

    private bool Require(JsonElement owner, string name, string path, out JsonElement json)
    {
        if (owner.TryGetProperty(name, out json))
        {
            return true;
        }

        Complain(path + ": Required");
        return false;
    }

    private bool Expect(JsonElement json, JsonValueKind kind, string name, string path)
    {
        if (json.ValueKind == kind)
        {
            return true;
        }

        Complain($"{path}: Expected {name}, received {TypeName(json)}");
        return false;
    }

    private string Text(JsonElement json, string path)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            Complain(path + ": must be valid Unicode");
            return "";
        }
    }

    private void Complain(string problem) => _problem ??= problem;

    private static string TypeName(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => "number",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        _ => "object",
    };
}
