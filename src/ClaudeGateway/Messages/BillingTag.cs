using System.Text.Json;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Messages;

/// <summary>Whom the request tag named by <c>admin.billing_group_tag</c> bills (spec/inference.md, tags).</summary>
/// <param name="Group">The tag's value, when it is one of the developer's groups.</param>
/// <param name="IsIgnored">Whether the tag is there with any other value.</param>
internal readonly record struct BillingTag(string? Group, bool IsIgnored)
{
    public static BillingTag Read(MessagesRequest message, string tag, Principal principal)
    {
        if (message.TagsValue is not { } range)
        {
            return default;
        }

        using var tags = JsonDocument.Parse(message.Body[range], new JsonDocumentOptions { MaxDepth = int.MaxValue });
        if (tags.RootElement.ValueKind != JsonValueKind.Object || !tags.RootElement.TryGetProperty(tag, out var value))
        {
            return default;
        }

        return value.ValueKind == JsonValueKind.String && principal.Groups.FirstOrDefault(group => value.ValueEquals(group)) is { } own
            ? new BillingTag(own, false)
            : new BillingTag(null, true);
    }
}
