using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed.Warnings;

/// <summary>
/// Models that Anthropic has taken out of service or is about to. The dates are the catalogue's and those of
/// Anthropic's own platforms; Amazon and Google keep calendars of their own.
/// </summary>
internal static class RetirementWarnings
{
    /// <summary>Anthropic announces a retirement at least so long before.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(60);

    /// <summary>What the operator names by an id that has, or will soon have, no model behind it.</summary>
    public static IEnumerable<string> Of(GatewayConfig config, DateOnly today)
    {
        foreach (var model in config.Models)
        {
            foreach (var (where, id) in model.UpstreamModel
                .Select(entry => ($" for upstream '{entry.Key}'", entry.Value)).Prepend(("", model.Id)))
            {
                if (Text(id, today) is { } text)
                {
                    yield return $"{config.Path} models: the entry '{model.Id}' names {id}{where}, which {text}";
                    break;
                }
            }
        }

        foreach (var upstream in config.Upstreams)
        {
            foreach (var id in upstream.Models ?? [])
            {
                if (Text(id, today) is { } text)
                {
                    yield return $"upstream '{upstream.Name}': models entry '{id}' {text}";
                }
            }
        }

        foreach (var document in (config.Managed?.Policies ?? []).Select(policy => policy.Settings)
            .OfType<PolicyDocument>())
        {
            foreach (var (pointer, path, id) in Named(document.Json))
            {
                if (Text(id, today) is { } text)
                {
                    yield return PolicyWarnings.At(config.Path, document, pointer, path, $"'{id}' {text}");
                }
            }
        }
    }

    /// <summary>
    /// Built-in models on the developers' lists that were retired lately or will be soon: nobody wrote them here, so it
    /// is news and no warning. Null when there is none.
    /// </summary>
    public static string? News(GatewayConfig config, DateOnly today)
    {
        var listed = new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels).Listed;
        var moving = listed.Where(model => model.Configured is null).Select(model => model.BuiltIn)
            .OfType<BuiltInModel>()
            .Where(model => IsNear(model, today) && model.RetiresOn >= today.AddDays(-Notice.Days))
            .Select(model => string.Create(CultureInfo.InvariantCulture, $"{model.Id} ({model.RetiresOn:yyyy-MM-dd})"))
            .ToArray();
        return moving.Length == 0
            ? null
            : $"listed models that Anthropic retires: {string.Join(", ", moving)}; Amazon and Google have dates of "
                + "their own";
    }

    private static bool IsNear(BuiltInModel model, DateOnly today) => model.RetiresOn <= today.AddDays(Notice.Days);

    private static string? Text(string id, DateOnly today)
    {
        if (BuiltInModels.Find(id) is not { } model || !IsNear(model, today))
        {
            return null;
        }

        var when = string.Create(CultureInfo.InvariantCulture, $"{model.RetiresOn:yyyy-MM-dd}");
        return (model.RetiresOn <= today ? $"was retired on {when}" : $"will be retired on {when}")
            + " on Anthropic's own platforms (Amazon and Google have dates of their own): requests for it fail from "
            + "then on. Name its successor";
    }

    /// <summary>Where Claude Code's settings name models.</summary>
    private static IEnumerable<(string Pointer, string Path, string Id)> Named(JsonElement settings)
    {
        foreach (var key in new[] { "model", "fallbackModel", "availableModels" })
        {
            if (!settings.TryGetProperty(key, out var value))
            {
                continue;
            }

            if (value.ValueKind == JsonValueKind.String)
            {
                yield return ($"/{key}", $".{key}", value.GetString()!);
            }
            else if (value.ValueKind == JsonValueKind.Array)
            {
                var i = 0;
                foreach (var entry in value.EnumerateArray())
                {
                    if (entry.ValueKind == JsonValueKind.String)
                    {
                        yield return ($"/{key}/{i}", $".{key}[{i}]", entry.GetString()!);
                    }

                    i++;
                }
            }
        }
    }
}
