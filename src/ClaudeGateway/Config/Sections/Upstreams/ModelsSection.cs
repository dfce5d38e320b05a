using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Models;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>The <c>models</c> list.</summary>
internal static class ModelsSection
{
    private static readonly Key<string> Id = new("id", Text(), "The id developers request.")
    {
        IsRequired = true,
        Example = "claude-sonnet-5",
    };

    private static readonly Key<string> Label = new("label", Text(0), "Name shown in model pickers.")
    {
        Example = "Sonnet 5",
    };

    private static readonly Key<string> Description = new("description", Text(0), "Text shown in model pickers.")
    {
        Example = "For everyday work",
    };

    private static readonly Key<IReadOnlyDictionary<string, string>> UpstreamModel = new(
        "upstream_model",
        MapOf(Text(0), WarnAboutEmptyId).Must(map => map.Count > 0 ? null : "must name at least one upstream"),
        "What each upstream calls it: upstream name to model id, ARN or deployment.")
    {
        IsRequired = true,
        Example = "{ bedrock: us.anthropic.claude-sonnet-5 }",
    };

    private static readonly Key<bool> CountTokens = new(
        "count_tokens",
        Choice(("upstream", false), ("estimate", true)),
        "Who counts tokens: the upstream, or the gateway by an estimate, where no upstream can.")
    {
        Default = "upstream",
        Example = "estimate",
    };

    private static readonly Shape<ModelConfig> Model = Object(
        [Id, Label, Description, UpstreamModel, CountTokens],
        fields =>
            new ModelConfig(fields.Get(Id), fields.Get(Label), fields.Get(Description), fields.Get(UpstreamModel))
            {
                EstimatesTokenCounts = fields.Get(CountTokens),
            });

    public static readonly Shape<IReadOnlyList<ModelConfig>> Shape = ListOf(Model).Checked(WarnAboutDuplicates)
        .As(FirstOfEach);

    private static void WarnAboutEmptyId(ConfigEntry entry, ConfigReading reading)
    {
        if (entry.Value is ConfigScalar { Text.Length: 0 })
        {
            reading.Warn(entry.Value, "is empty: the upstream will not know the model");
        }
    }

    private static void WarnAboutDuplicates(IReadOnlyList<ModelConfig> models, ConfigNode node, ConfigReading reading)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < models.Count; i++)
        {
            if (!ids.Add(models[i].Id))
            {
                reading.Warn(
                    ((ConfigList)node).Items[i], $"model id '{models[i].Id}' is given twice; the first entry is used");
            }
        }
    }

    private static IReadOnlyList<ModelConfig> FirstOfEach(IReadOnlyList<ModelConfig> models) =>
        [.. models.DistinctBy(model => model.Id, StringComparer.Ordinal)];
}
