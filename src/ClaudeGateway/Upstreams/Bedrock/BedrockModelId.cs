using ClaudeGateway.Config;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>Bedrock's names for models: foundation models, inference profiles of a geography, ARNs of either.</summary>
internal static class BedrockModelId
{
    private static readonly string[] Geographies = ["us.", "eu.", "apac.", "jp.", "au.", "global.", "us-gov."];
    private static readonly string[] NamedByModel = ["inference-profile", "foundation-model"];

    /// <summary>
    /// What an upstream calls a foundation model: by the inference profile it is configured with, else as the reference
    /// does, which invokes it through a profile in the US and Canada alone.
    /// </summary>
    public static string InRegion(string foundationId, string region, InferenceProfile? profile = null) =>
        Prefix(profile ?? (IsInUsGeography(region) ? InferenceProfile.Us : InferenceProfile.None)) + foundationId;

    /// <summary>
    /// The profile that a region most likely needs and does not get by itself; null where the id that is written
    /// without one is right, or no profile of ours serves the region.
    /// </summary>
    public static InferenceProfile? MissingProfile(string region) =>
        IsInUsGeography(region) || region.StartsWith("us-gov-", StringComparison.Ordinal)
            || region.StartsWith("cn-", StringComparison.Ordinal) ? null
        : region.StartsWith("eu-", StringComparison.Ordinal) ? InferenceProfile.Eu
        : region is "ap-northeast-1" or "ap-northeast-3" ? InferenceProfile.Jp
        : region is "ap-southeast-2" or "ap-southeast-4" ? InferenceProfile.Au
        : region.StartsWith("ap-", StringComparison.Ordinal) ? InferenceProfile.Apac
        : InferenceProfile.Global;

    /// <summary>The word that gateway.yaml has for it.</summary>
    public static string Word(InferenceProfile profile) =>
        Prefix(profile) is { Length: > 0 } prefix ? prefix[..^1] : "none";

    private static bool IsInUsGeography(string region) =>
        (region.StartsWith("us-", StringComparison.Ordinal) && !region.StartsWith("us-gov-", StringComparison.Ordinal))
        || region is "ca-central-1";

    private static string Prefix(InferenceProfile profile) => profile switch
    {
        InferenceProfile.Us => "us.",
        InferenceProfile.Eu => "eu.",
        InferenceProfile.Apac => "apac.",
        InferenceProfile.Jp => "jp.",
        InferenceProfile.Au => "au.",
        InferenceProfile.Global => "global.",
        _ => "",
    };

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
