using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>Whom the request tag named by <c>admin.billing_group_tag</c> bills (spec/inference.md, tags).</summary>
/// <param name="Group">The tag's value, when it is one of the developer's groups.</param>
/// <param name="IsIgnored">Whether the tag is there with any other value.</param>
internal readonly record struct BillingTag(string? Group, bool IsIgnored)
{
    public static BillingTag Read(MessagesRequest message, string tag, Principal principal) =>
        message.TagsValue is { } range ? Read(message.Body[range], tag, principal) : default;

    /// <summary>Of a body that is refused: one that is JSON may name a group all the same.</summary>
    public static BillingTag ReadRefused(ReadOnlyMemory<byte> body, string tag, Principal principal)
    {
        try
        {
            return Find(body) is { } range ? Read(body[range], tag, principal) : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static Range? Find(ReadOnlyMemory<byte> body)
    {
        Range? found = null;
        var members = new TopLevelMembers(body.Span);
        while (members.MoveNext())
        {
            var isTags = members.NameIs("tags"u8);
            members.ReadValue();
            found = isTags ? members.ValueStart..members.ValueEnd : found;
        }

        return found;
    }

    private static BillingTag Read(ReadOnlyMemory<byte> json, string tag, Principal principal)
    {
        var billing = default(BillingTag);
        var tags = new TopLevelMembers(json.Span);
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
