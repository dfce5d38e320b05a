namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>Bedrock's names for models: foundation models, inference profiles of a geography, ARNs of either.</summary>
internal static class BedrockModelId
{
    private static readonly string[] Geographies = ["us.", "eu.", "apac.", "jp.", "au.", "global.", "us-gov."];
    private static readonly string[] NamedByModel = ["inference-profile", "foundation-model"];

    /// <summary>
    /// What a region calls a foundation model: the US and Canada invoke it through the profile of their geography.
    /// </summary>
    public static string InRegion(string foundationId, string region) =>
        (region.StartsWith("us-", StringComparison.Ordinal) && !region.StartsWith("us-gov-", StringComparison.Ordinal))
        || region is "ca-central-1" ? "us." + foundationId : foundationId;

    /// <summary>
    /// The foundation model behind an id, which is all that CountTokens takes; null when the id does not tell.
    /// </summary>
    public static string? Foundation(string id)
    {
        var name = id;
        if (id.StartsWith("arn:", StringComparison.Ordinal))
        {
            // arn:partition:bedrock:region:account:kind/name
            var resource = id.Split(':', 6) is [.., var last] ? last.Split('/', 2) : [];
            if (resource.Length < 2 || !NamedByModel.Contains(resource[0], StringComparer.Ordinal))
            {
                return null;
            }

            name = resource[1];
        }

        var geography = Array.Find(Geographies, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
        name = geography is null ? name : name[geography.Length..];
        return name.StartsWith("anthropic.", StringComparison.Ordinal) ? name : null;
    }
}
