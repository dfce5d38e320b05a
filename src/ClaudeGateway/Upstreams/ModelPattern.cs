using ClaudeGateway.Models;

namespace ClaudeGateway.Upstreams;

/// <summary>An entry of <c>upstreams[].models</c>: an id, or one with a single "*" (spec/newer.md).</summary>
internal static class ModelPattern
{
    /// <summary>
    /// An id stands for every spelling of its model, a pattern only for those it matches. Letter case does not matter.
    /// </summary>
    /// <param name="model">Null for an id nobody knows.</param>
    /// <param name="requestedId">As the client wrote it.</param>
    public static bool Matches(string entry, CatalogModel? model, string requestedId) =>
        model is null || entry.Contains('*', StringComparison.Ordinal)
        ? MatchesId(entry, requestedId)
        : Matches(entry, model);

    /// <summary>Whether some spelling of the model is meant; an operator's own id has only one.</summary>
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
