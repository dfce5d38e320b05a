using System.Text.Json.Nodes;
using ClaudeGateway.Config;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// A policy's <c>sandbox</c> replaces the base's whole, so writing one key of it drops every restriction of the base.
/// </summary>
internal static class SandboxWarnings
{
    private const string Key = "sandbox";

    public static IEnumerable<string> Of(ManagedConfig managed, string file)
    {
        var selector = new PolicySelector(managed.Policies, managed.PolicyMode);
        if (selector.Base is not { } below
            || PolicyDocuments.Settings(managed.Policies[below])[Key] is not JsonObject { Count: > 0 } sandbox)
        {
            yield break;
        }

        for (var i = 0; i < below; i++)
        {
            if (managed.Policies[i].Settings is { } document
                && PolicyDocuments.Settings(managed.Policies[i])[Key] is JsonObject own
                && Lost(sandbox, own, "").ToList() is { Count: > 0 } lost)
            {
                yield return PolicyWarnings.At(
                    file,
                    document,
                    "/" + Key,
                    "." + Key,
                    $"replaces the whole sandbox of managed.policies[{below}], of which it drops "
                        + $"{string.Join(", ", lost)}; repeat what should stay");
            }
        }
    }

    private static IEnumerable<string> Lost(JsonObject below, JsonObject above, string path) =>
        below.SelectMany(member => (member.Value, above[member.Key]) switch
    {
        (JsonObject a, JsonObject b) => Lost(a, b, $"{path}{member.Key}."),
        _ when above.ContainsKey(member.Key) => [],
        _ => [path + member.Key],
    });
}
