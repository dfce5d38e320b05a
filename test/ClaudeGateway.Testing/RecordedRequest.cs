using System.Text;
using System.Text.Json;
using System.Web;

namespace ClaudeGateway.Testing;

/// <summary>One HTTP request exactly as it arrived at a fake server.</summary>
/// <param name="Target">The request target as sent: path and query.</param>
/// <param name="Headers">In the order sent, names as sent.</param>
internal sealed record RecordedRequest(
    string Method, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body)
{
    public string Path => Target.Split('?', 2)[0];

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>As deep as it came: some tests nest thousands of levels.</summary>
    public JsonElement Json =>
        JsonDocument.Parse(Body, new JsonDocumentOptions { MaxDepth = int.MaxValue }).RootElement;

    public IReadOnlyDictionary<string, string> Query =>
        Pairs(Target.Contains('?', StringComparison.Ordinal) ? Target.Split('?', 2)[1] : "");

    public IReadOnlyDictionary<string, string> Form => Pairs(Text);

    /// <summary>The header's value, several of one name joined by ", "; null when absent.</summary>
    public string? Header(string name)
    {
        var values = Headers.Where(h => h.Key.Equals(name,
            StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).ToList();
        return values.Count == 0 ? null : string.Join(", ", values);
    }

    private static Dictionary<string, string> Pairs(string text)
    {
        var parsed = HttpUtility.ParseQueryString(text);
        return parsed.AllKeys.OfType<string>().ToDictionary(k => k, k => parsed.GetValues(k)![0]);
    }
}
