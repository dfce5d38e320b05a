using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>
/// That a cap or a group's budget has filled up to a threshold: the body of the webhook call, told once each period.
/// </summary>
/// <param name="Threshold">Percent.</param>
/// <param name="Subject">Whose spend it is: a developer, or the group whose budget it is.</param>
/// <param name="Email">The developer's, when it is known.</param>
internal sealed record SpendAlert(
    int Threshold, CounterKind Kind, string Subject, string? Email, CapState Cap, DateOnly PeriodStart)
{
    /// <summary>
    /// The same on every replica, and another one when the cap or its amount, the period or the threshold is.
    /// </summary>
    public string Id =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Cap.Limit.Id}:{Cap.CapCents}:{CounterKey.Of(Kind, Subject)}:{PeriodStart:yyyy-MM-dd}:{Threshold}");

    /// <summary>What the receiver gets; <c>text</c> is what Slack and its like show.</summary>
    public string Body()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, JsonWriting.Plain))
        {
            json.WriteStartObject();
            json.WriteString("text", Text());
            json.WriteString("type", "spend_alert");
            json.WriteString("id", Id);
            json.WriteNumber("threshold", Threshold);
            json.WriteStartObject("subject");
            json.WriteString("type", Kind == CounterKind.User ? "user" : "group_pool");
            json.WriteString(Kind == CounterKind.User ? "user_id" : "rbac_group_id", Subject);
            if (Email is not null)
            {
                json.WriteString("email_address", Email);
            }

            json.WriteEndObject();
            json.WriteString("spend_limit_id", Cap.Limit.Id);
            SpendLimitJson.WriteScope(json, Cap.Limit.Scope);
            json.WriteString("period", Cap.Limit.Period.Name());
            json.WriteString("amount", Cap.CapCents.ToString(CultureInfo.InvariantCulture));
            json.WriteString("period_to_date_spend", Cap.Spent.ToString());
            json.WriteString("currency", "USD");
            json.WriteString("resets_at", SpendLimitJson.Time(Cap.Reset));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private string Text()
    {
        var whose = Kind == CounterKind.Pool ? $"Group {Subject} has used {Threshold}% of its shared budget"
            : $"{Email ?? Subject} has used {Threshold}% of {Limit()}";
        var dollars = (Cap.CapCents / 100m).ToString("#,##0.00", CultureInfo.InvariantCulture);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{whose} of ${dollars}; it resets {Cap.Reset.UtcDateTime:MMM d, yyyy} 00:00 UTC");
    }

    private string Limit() => Cap.Limit.Scope.Type switch
    {
        SpendScopeType.User => $"the {Cap.Limit.Period.Name()} limit",
        SpendScopeType.RbacGroup => $"the {Cap.Limit.Period.Name()} limit of each member of {Cap.Limit.Scope.Id}",
        _ => $"the organization's {Cap.Limit.Period.Name()} limit for each developer",
    };
}
