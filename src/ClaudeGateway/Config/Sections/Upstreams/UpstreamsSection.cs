using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>The <c>upstreams</c> list: entries by provider, and the rules between them.</summary>
internal static class UpstreamsSection
{
    /// <summary>Names that other pages give to a provider, and ours.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.Ordinal)
    {
        [VertexUpstreamSection.Alias] = "vertex",
    };

    private static readonly Shape<UpstreamConfig> Upstream = new VariantShape<UpstreamConfig>(
        "provider",
        [
            ("anthropic", AnthropicUpstreamSection.Shape),
            ("bedrock", BedrockUpstreamSection.Shape),
            ("mantle", MantleUpstreamSection.Shape),
            ("anthropicAws", ClaudePlatformAwsUpstreamSection.Shape),
            ("anthropicGoogleCloud", ClaudeOnGoogleCloudUpstreamSection.Shape),
            ("vertex", VertexUpstreamSection.Shape),
            ("foundry", FoundryUpstreamSection.Shape),
        ],
        Aliases);

    public static readonly Shape<IReadOnlyList<UpstreamConfig>> Shape = ListOf(Upstream, 1).Checked(CheckNames)
        .Checked(CheckGuardrails);

    /// <summary>The provider that a word means; the word itself unless it is an alias.</summary>
    public static string ProviderOf(string word) => Aliases.GetValueOrDefault(word, word);

    private static void CheckNames(IReadOnlyList<UpstreamConfig> upstreams, ConfigNode node, ConfigReading reading)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < upstreams.Count; i++)
        {
            if (!names.Add(upstreams[i].Name))
            {
                reading.Problem(
                    ((ConfigList)node).Items[i],
                    $"duplicate upstream name '{upstreams[i].Name}': set a distinct name: on each");
            }
        }
    }

    /// <summary>A prompt must not slip past the guardrail by failing over.</summary>
    private static void CheckGuardrails(IReadOnlyList<UpstreamConfig> upstreams, ConfigNode node, ConfigReading reading)
    {
        if (!upstreams.OfType<BedrockUpstreamConfig>().Any(bedrock => bedrock.Guardrail is not null))
        {
            return;
        }

        for (var i = 0; i < upstreams.Count; i++)
        {
            if (upstreams[i] is BedrockUpstreamConfig { Guardrail: null })
            {
                reading.Problem(
                    ((ConfigList)node).Items[i],
                    "has no guardrail while another bedrock upstream has one: give all of them a guardrail, or none");
            }
            else if (upstreams[i] is MantleUpstreamConfig)
            {
                reading.Problem(
                    ((ConfigList)node).Items[i],
                    "a mantle upstream cannot apply the guardrail that a bedrock upstream has");
            }
        }
    }
}
