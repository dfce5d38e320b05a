using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;

namespace ClaudeGateway.Spend.Limits;

/// <summary>
/// The 429 answers of the spend gate, word for word as clients know them, and their audit events (spec/spend.md,
/// Enforcement).
/// </summary>
internal sealed class SpendRefusals(string? blockedMessage, TimeProvider clock, AuditLog audit)
{
    private const int Status = 429;

    public Task CapReachedAsync(GatewayRequest request, Principal principal, CapState cap)
    {
        audit.SpendBlocked(
            request.Id, principal.Sub, cap.CapCents, cap.Limit.Scope.TypeName, cap.Limit.Period.Name(), null);
        RateLimitHeaders.WriteReached(request.Http.Response.Headers, cap, isPool: false, clock.GetUtcNow());
        var resets = cap.CapCents == 0
            ? ""
            : " · resets " + cap.Reset.UtcDateTime.ToString("MMM d", CultureInfo.InvariantCulture);
        return AnswerAsync(request, "spend limit reached" + resets);
    }

    public Task PoolsSpentAsync(
        GatewayRequest request, Principal principal, IReadOnlyList<PoolAccount> pools, DateOnly today)
    {
        var largest = pools[0].State(today);
        audit.SpendBlocked(
            request.Id,
            principal.Sub,
            largest.CapCents,
            "group_pool",
            SpendPeriod.Monthly.Name(),
            [.. pools.Select(pool => pool.Limit.Scope.Id)]);
        RateLimitHeaders.WriteReached(request.Http.Response.Headers, largest, isPool: true, clock.GetUtcNow());
        var resets = largest.Reset.UtcDateTime.ToString("MMMM d", CultureInfo.InvariantCulture);
        var message =
            "This request exceeds your group's budget. Ask your organization's admins to raise it, or try again after "
                + $"it resets on {resets} at 00:00 UTC";
        return AnswerAsync(request, blockedMessage is null ? message + "." : message);
    }

    public Task UnknownAsync(GatewayRequest request, Principal principal)
    {
        audit.SpendStoreError(request.Id, principal.Sub);
        RateLimitHeaders.WriteUnknown(request.Http.Response.Headers);
        return AnswerAsync(request, "spend limit unavailable");
    }

    /// <summary>
    /// Nothing is spent yet, but what is in flight may use up the rest: worth another try in a moment, so none of the
    /// headers that tell a client its limit is reached.
    /// </summary>
    public Task InFlightAsync(GatewayRequest request, Principal principal)
    {
        audit.SpendInFlight(request.Id, principal.Sub);
        request.Http.Response.Headers.RetryAfter = "1";
        request.Http.Response.Headers["x-should-retry"] = "true";
        return new ApiError(
            Status,
            "rate_limit_error",
            "requests in flight may use up the rest of your spend limit. Try again when they are done")
            .WriteAsync(request);
    }

    private Task AnswerAsync(GatewayRequest request, string message)
    {
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body, JsonWriting.Plain))
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteStartObject("error");
            json.WriteString("type", "billing_error");
            json.WriteString(
                "message", string.IsNullOrEmpty(blockedMessage) ? message : $"{message} · {blockedMessage}");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Answers.WriteAsync(request, Status, Answers.Json, body.WrittenMemory);
    }
}
