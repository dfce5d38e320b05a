using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Identity providers name people and groups as they like; here they go by what the store can hold (<see
/// cref="StoredText"/>).
/// </summary>
internal static class StorableText
{
    public static string Of(string text) => StoredText.Of(text);

    public static bool IsStorable(string text) => StoredText.IsStorable(text);
}
