using System.Globalization;
using ClaudeGateway.Spend.Ledger;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Spend;

/// <summary>
/// The <c>anthropic-ratelimit-unified-*</c> headers from which the client draws its usage display (spec/spend.md,
/// Enforcement). The gateway's own words for caps; an upstream's headers of these names never pass.
/// </summary>
internal static class RateLimitHeaders
{
    private const string Prefix = "anthropic-ratelimit-unified-";

    private static readonly string WarningText = Decimals(CapState.WarningShare);
    private static readonly string CriticalText = Decimals(CapState.CriticalShare);

    /// <summary>"0" to "0.99", made once: these headers are on every answer.</summary>
    private static readonly string[] Percents = [
        .. Enumerable.Range(0, 100).Select(percent => Decimals(percent / 100m))];

    /// <summary>Nearly every cap in use resets at the same moment as the one before.</summary>
    private static ResetText Last = new(default, "");

    /// <summary>On an answer that was served: how full <paramref name="cap"/> was before it.</summary>
    public static void WriteServed(IHeaderDictionary headers, in CapState cap)
    {
        var share = cap.Share;
        var status = share > CapState.WarningShare ? "allowed_warning" : "allowed";
        var reset = UnixSeconds(cap.Reset);
        var percent = (int)Math.Round(Math.Min(share, 0.99m) * 100, MidpointRounding.AwayFromZero);
        headers[Prefix + "status"] = status;
        headers[Prefix + "reset"] = reset;
        headers[Prefix + "representative-claim"] = "overage";
        headers[Prefix + "overage-status"] = status;
        headers[Prefix + "overage-reset"] = reset;
        headers[Prefix + "overage-utilization"] = Percents[percent];
        if (share > CapState.WarningShare)
        {
            var threshold = share > CapState.CriticalShare ? CriticalText : WarningText;
            headers[Prefix + "overage-surpassed-threshold"] = threshold;
        }
    }

    /// <summary>
    /// On the refusal of a request because <paramref name="cap"/> (or a group's budget, <paramref name="isPool"/>) is
    /// spent.
    /// </summary>
    public static void WriteReached(IHeaderDictionary headers, in CapState cap, bool isPool, DateTimeOffset now)
    {
        var reset = UnixSeconds(cap.Reset);
        headers[Prefix + "status"] = "rejected";
        headers[Prefix + "reset"] = reset;
        headers[Prefix + "overage-reset"] = reset;
        headers[Prefix + "overage-utilization"] = Decimals(Math.Round(cap.Share, 2, MidpointRounding.AwayFromZero));
        headers[Prefix + "overage-surpassed-threshold"] = "1";
        headers[Prefix + "overage-period"] = cap.Limit.Period.Name();
        headers[Prefix + "overage-disabled-reason"] = "org_spend_cap_reached";
        if (isPool)
        {
            headers[Prefix + "overage-scope"] = "group_pool";
        }

        headers.RetryAfter = ((long)Math.Ceiling((cap.Reset - now).TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);
        headers["x-should-retry"] = "false";
    }

    /// <summary>On the refusal of a request because nobody knows what was spent.</summary>
    public static void WriteUnknown(IHeaderDictionary headers)
    {
        headers[Prefix + "overage-disabled-reason"] = "fetch_error";
        headers["x-should-retry"] = "false";
    }

    private static string Decimals(decimal share) => share.ToString("0.##", CultureInfo.InvariantCulture);

    private static string UnixSeconds(DateTimeOffset instant)
    {
        var last = Volatile.Read(ref Last);
        if (last.Reset != instant)
        {
            Last = last = new ResetText(instant, instant.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        }

        return last.Seconds;
    }

    private sealed record ResetText(DateTimeOffset Reset, string Seconds);
}
