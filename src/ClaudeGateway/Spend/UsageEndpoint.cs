using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// GET /api/oauth/usage: what the client's usage display shows a developer of his own caps (spec/spend.md).
/// </summary>
internal sealed class UsageEndpoint(SpendFeature spend)
{
    private readonly SpendAccounts _accounts = spend.Accounts;

    public void Map(Routes routes) => routes.Session("GET", "/api/oauth/usage", HandleAsync);

    private async Task HandleAsync(GatewayRequest request, Principal principal)
    {
        var counter = _accounts.Ledger.Counter(CounterKind.User, StoredText.Of(principal.Sub));
        try
        {
            await _accounts.Sync.AskAsync([counter]);
        }
        catch (StoreUnavailableException)
        {
            await Answers.TextAsync(request, 503, "spend limit unavailable");
            return;
        }

        var totals = counter.Totals(_accounts.Ledger.Today);
        var standing = CapStanding.Of(
            _accounts.Book.Resolve(counter.Id, principal.Groups, spend.GroupLimitMode), totals);
        request.Http.Response.Headers.CacheControl = "no-store";
        await Answers.WriteAsync(request, 200, Answers.Json, Body(standing, totals));
    }

    private static ReadOnlyMemory<byte> Body(CapStanding standing, SpendTotals totals)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            var described = standing.Fullest;
            json.WriteStartObject();
            WriteExtraUsage(json, described, totals);
            json.WriteStartArray("limits");
            foreach (var cap in (ReadOnlySpan<CapState?>)[standing.Daily, standing.Weekly, standing.Monthly])
            {
                if (cap is { } finite)
                {
                    WriteLimit(json, finite, finite == described);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteExtraUsage(Utf8JsonWriter json, CapState? described, SpendTotals totals)
    {
        json.WriteStartObject("extra_usage");
        json.WriteBoolean("is_enabled", true);
        if (described is { } cap)
        {
            json.WriteNumber("monthly_limit", cap.CapCents);
            json.WriteNumber("used_credits", cap.Spent.WholeCents);
            json.WriteNumber("utilization", Percent(cap));
            json.WriteString("currency", "USD");
        }
        else
        {
            json.WriteNull("monthly_limit");
            json.WriteNumber("used_credits", totals.Monthly.WholeCents);
            json.WriteNull("utilization");
            json.WriteString("currency", "USD");
            WriteUnlimited(json, "daily", totals.Daily);
            WriteUnlimited(json, "weekly", totals.Weekly);
        }

        json.WriteEndObject();
    }

    private static void WriteUnlimited(Utf8JsonWriter json, string name, Money spent)
    {
        json.WriteStartObject(name);
        json.WriteNull("limit");
        json.WriteNumber("used_credits", spent.WholeCents);
        json.WriteNull("utilization");
        json.WriteEndObject();
    }

    private static void WriteLimit(Utf8JsonWriter json, CapState cap, bool isDescribed)
    {
        json.WriteStartObject();
        json.WriteString("kind", "spend");
        json.WriteString("group", cap.Limit.Period.Name());
        json.WriteNumber("percent", Percent(cap));
        json.WriteString("resets_at", SpendLimitJson.Time(cap.Reset));
        var severity = cap.Share > CapState.CriticalShare ? "critical"
            : cap.Share > CapState.WarningShare ? "warning"
            : "normal";
        json.WriteString("severity", severity);
        json.WriteBoolean("is_active", isDescribed);
        json.WriteEndObject();
    }

    /// <summary>Rounded, but never 100 before the cap is reached.</summary>
    private static long Percent(CapState cap)
    {
        var percent = (long)Math.Round(cap.Share * 100, MidpointRounding.AwayFromZero);
        return cap.IsReached ? percent : Math.Min(percent, 99);
    }
}
