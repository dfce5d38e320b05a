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

        var billing = default(BillingTag);
        var tags = new TopLevelMembers(message.Body[range].Span);
        while (tags.MoveNext())
        {
            var isNamed = tags.ReadName().Equals(tag, StringComparison.Ordinal);
            var isText = tags.ReadValue() == JsonTokenType.String;
            if (isNamed)
            {
                // Of repeated keys the last counts, as in every JSON parser.
                var value = isText ? tags.ReadString() : null;
                var own = principal.Groups.FirstOrDefault(group => group.Equals(value, StringComparison.Ordinal));
                billing = new BillingTag(own, own is null);
            }
        }

        return billing;
    }
}
