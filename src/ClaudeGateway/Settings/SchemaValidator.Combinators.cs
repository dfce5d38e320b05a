using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <content>allOf, anyOf, oneOf, not, if/then/else, and what a client expects (x-expected).</content>
internal sealed partial class SchemaValidator
{
    private const int TypeWeight = 1000;
    private const int ConstantWeight = 100;

    private void CheckAll(JsonElement schemas, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        foreach (var schema in schemas.EnumerateArray())
        {
            var before = problems.Count;
            Check(schema, value, place, problems);
            if (problems.Count > before && value.ValueKind == JsonValueKind.String)
            {
                // Rules of one text build on each other: the first broken one says enough.
                return;
            }
        }
    }

    private void CheckAlternatives(
        string keyword, JsonElement schemas, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        var branches = schemas.EnumerateArray().Select(schema => CheckAside(schema, value, place)).ToList();
        var passing = branches.Where(b => !HasErrors(b)).ToList();
        if (passing.Count == 0)
        {
            problems.AddRange(Explain(branches, place));
        }
        else if (keyword == "oneOf" && passing.Count > 1)
        {
            problems.Add(Error(place, "fits more than one of the allowed forms"));
        }
        else
        {
            problems.AddRange(passing[0]);
        }
    }

    /// <summary>Reports the form that was probably meant: the one whose type and constants fit best.</summary>
    private static List<SchemaProblem> Explain(List<List<SchemaProblem>> branches, JsonPlace place)
    {
        var best = branches.MinBy(problems => problems.Sum(p => Weight(p, place)))!;
        var clash = best.Find(p => Weight(p, place) >= ConstantWeight);
        if (clash?.Expected is null)
        {
            return best;
        }

        // Forms that fail at one place for the same reason are told together: "must be a or b".
        var rivals = branches.Where(b => Clashes(b, place) == Clashes(best, place))
            .SelectMany(b => b).Where(p => p.Kind == clash.Kind && p.Place == clash.Place && p.Expected is not null)
            .Select(p => p.Expected!).SelectMany(e => e).Distinct(StringComparer.Ordinal).ToList();
        return [clash with { Message = "must be " + Or(rivals), Suggestion = rivals.Count > 1
            ? null : clash.Suggestion, Expected = rivals }];
    }

    private static int Clashes(List<SchemaProblem> problems, JsonPlace place) =>
        problems.Count(p => Weight(p, place) >= ConstantWeight);

    /// <summary>A wrong type rules a form out; a wrong constant right below usually names another form.</summary>
    private static int Weight(SchemaProblem problem, JsonPlace place) =>
        problem.Severity == ProblemSeverity.Warning ? 0 : problem.Kind switch
        {
            SchemaProblemKind.WrongType when problem.Place == place => TypeWeight,
            SchemaProblemKind.WrongConstant when problem.Place.Depth <= place.Depth + 1 => ConstantWeight,
            _ => 1,
        };

    private void CheckNot(
        JsonElement forbidden, JsonElement schema, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        if (HasErrors(CheckAside(forbidden, value, place)))
        {
            return;
        }

        if (forbidden.ValueKind == JsonValueKind.Object && forbidden.TryGetProperty("required", out var required)
            && required.GetArrayLength() > 0)
        {
            List<string> keys = [.. required.EnumerateArray().Select(k => k.GetString()!)];
            problems.Add(keys is [var only]
                ? Error(place.Member(only), "cannot be set here")
                : Error(place, $"{string.Join(" and ", keys)} exclude each other: keep one"));
            return;
        }

        var reason = Description(schema) is { } text ? $" ({text})" : "";
        var instead = schema.TryGetProperty("x-instead", out var key) ? key.GetString() : null;
        problems.Add(
            Error(
                place,
                (forbidden.ValueKind == JsonValueKind.Object && forbidden.EnumerateObject().Any()
                        ? "is not allowed"
                        : "cannot be set here") + reason,
                instead));
    }

    /// <summary>
    /// Whether a property is listed only to be refused, by <c>false</c> or by <c>not: {}</c> with its reason.
    /// </summary>
    public static bool IsRefused(JsonElement property) => property.ValueKind == JsonValueKind.False
        || (property.ValueKind == JsonValueKind.Object && property.TryGetProperty("not", out var forbidden)
            && forbidden.ValueKind == JsonValueKind.Object && !forbidden.EnumerateObject().Any());

    private void CheckCondition(
        JsonElement condition, JsonElement schema, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        var branch = HasErrors(CheckAside(condition, value, place)) ? "else" : "then";
        if (schema.TryGetProperty(branch, out var consequence))
        {
            Check(consequence, value, place, problems);
        }
    }

    /// <summary>The gateway serves any value here, but a client ignores what it does not expect.</summary>
    private void CheckExpected(JsonElement expected, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        foreach (var problem in CheckAside(expected, value, place))
        {
            problems.Add(
                problem with
                {
                    Severity = ProblemSeverity.Warning,
                    Message = "clients do not take this value: it " + problem.Message
                });
        }
    }

    private List<SchemaProblem> CheckAside(JsonElement schema, JsonElement value, JsonPlace place)
    {
        var problems = new List<SchemaProblem>();
        Check(schema, value, place, problems);
        return problems;
    }

    private static string Or(List<string> words) => words.Count < 2
        ? string.Concat(words)
        : string.Join(", ", words.SkipLast(1)) + " or " + words[^1];
}
