using ClaudeGateway.Models;

namespace ClaudeGateway.Upstreams;

/// <summary>An entry of <c>upstreams[].models</c>: an id, or one with a single "*" (spec/newer.md).</summary>
internal static class ModelPattern
{
    /// <summary>Any spelling of a built-in model stands for all of them; an operator's own id only for itself. Letter case does not matter.</summary>
    public static bool Matches(string pattern, CatalogModel model) =>
        model.BuiltIn is { } builtIn
            ? builtIn.Forms.Any(form => MatchesId(pattern, form))
            : MatchesId(pattern, model.Id);

    private static bool MatchesId(string pattern, string id)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        if (star < 0)
        {
            return pattern.Equals(id, StringComparison.OrdinalIgnoreCase);
        }

        // A second star is an ordinary character, which no id has: such an entry matches nothing.
        return id.Length >= pattern.Length - 1
            && id.StartsWith(pattern[..star], StringComparison.OrdinalIgnoreCase)
            && id.EndsWith(pattern[(star + 1)..], StringComparison.OrdinalIgnoreCase);
    }
}
