namespace ClaudeGateway.Json;

/// <summary>The reference tokens of a JSON pointer (RFC 6901).</summary>
internal static class JsonPointer
{
    /// <summary>A member's name as a reference token. "~" comes first: "/" becomes "~1", whose "~" must stay.</summary>
    public static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>
    /// The name a reference token stands for. "~1" comes first: "~01" means "~1", not "/" (section 4).
    /// </summary>
    public static string Unescape(string token) =>
        token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
}
