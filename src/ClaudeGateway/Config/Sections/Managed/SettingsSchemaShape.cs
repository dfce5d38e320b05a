using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Sections.Managed;

/// <summary>
/// A JSON file that adds to the settings this release knows, in the form <c>claude-gateway schema --settings</c>
/// prints. It is read before the documents that are checked with it; when it has problems these documents are not
/// judged at all.
/// </summary>
internal sealed class SettingsSchemaShape : Shape<SettingsSchemas>
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxListed = 20;

    private static readonly TextShape Text = new(1, int.MaxValue, isSecret: false);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public override string Name => "file path";

    public override JsonObject Schema() => Text.Schema();

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out SettingsSchemas value)
    {
        value = Text.TryRead(node, reading, out var path) && Parse(path, node, reading) is { } file
            ? Over(file, path, node, reading)
            : null;
        reading.SettingsSchemas = value;
        return value is not null;
    }

    private static JsonElement? Parse(string path, ConfigNode node, ConfigReading reading)
    {
        try
        {
            if (Directory.Exists(path) || !File.Exists(path))
            {
                reading.Problem(
                    node,
                    $"{path} {(Directory.Exists(path) ? "is a directory, not a file" : "does not exist")}; "
                        + "claude-gateway schema --settings prints a file to begin with");
                return null;
            }

            using var file = File.OpenRead(path);
            var bytes = new byte[MaxBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes)
            {
                reading.Problem(node, $"{path} is larger than 4 MiB; state only what is to be added");
                return null;
            }

            ReadOnlyMemory<byte> content = bytes.AsMemory(0, length);
            return JsonDocument.Parse(content.Span.StartsWith("\uFEFF"u8) ? content[3..] : content, Strict).RootElement;
        }
        catch (JsonException e)
        {
            var place = e.LineNumber is null ? "" : $":{e.LineNumber + 1}:{e.BytePositionInLine + 1}";
            reading.Problem(
                node,
                $"{path}{place} is not JSON as it must be here (UTF-8, no comments, no key twice in one map, at most "
                    + "64 levels deep)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reading.Problem(node, $"{path} cannot be read: {e.Message}");
        }

        return null;
    }

    private static SettingsSchemas? Over(JsonElement file, string path, ConfigNode node, ConfigReading reading)
    {
        const string fix =
            "write { \"cli\": { \"properties\": … }, \"desktop\": { \"properties\": … } }, or either of the two";
        var isMap = file.ValueKind == JsonValueKind.Object;
        if (!isMap
            || (!file.TryGetProperty(SettingsSchemas.CliName, out _)
                && !file.TryGetProperty(SettingsSchemas.DesktopName, out _)))
        {
            reading.Problem(
                node, $"{path} {(isMap ? "has neither cli nor desktop" : "does not hold a JSON object")}: {fix}");
            return null;
        }

        foreach (var other in file.EnumerateObject().Select(member => member.Name)
            .Where(name => name is not (SettingsSchemas.CliName or SettingsSchemas.DesktopName or "$schema")))
        {
            reading.Warn(
                node,
                $"{path} {JsonPlace.Root.Member(other).Pointer} is not known to this release and has no effect; known "
                    + "are cli and desktop");
        }

        var cli = Over(SettingsSchemas.BuiltIn.Cli, SettingsSchemas.CliName, file, path, node, reading);
        var desktop = Over(SettingsSchemas.BuiltIn.Desktop, SettingsSchemas.DesktopName, file, path, node, reading);
        return cli is null || desktop is null ? null : SettingsSchemas.Of(cli.Value, desktop.Value);
    }

    /// <summary>
    /// One of the two schemas with the file's part laid over it; null when that has problems, which are listed.
    /// </summary>
    private static JsonElement? Over(
        SettingsSchema builtIn, string name, JsonElement file, string path, ConfigNode node, ConfigReading reading)
    {
        if (!file.TryGetProperty(name, out var added))
        {
            return builtIn.Json;
        }

        var place = JsonPlace.Root.Member(name);
        if (added.ValueKind != JsonValueKind.Object)
        {
            reading.Problem(
                node, $"{path} {place.Pointer} must be a JSON object: a schema whose properties are settings keys");
            return null;
        }

        var whole = SchemaAdditions.Over(builtIn.Json, added);
        var problems = SchemaReview.Of(added, whole, place);
        foreach (var warning in problems.Where(p => p.Severity == ProblemSeverity.Warning))
        {
            reading.Warn(node, $"{path} {warning.Place.Pointer}: {warning.Message}");
        }

        var errors = problems.Where(p => p.Severity == ProblemSeverity.Error).ToList();
        foreach (var error in errors.Take(MaxListed))
        {
            reading.Problem(node, $"{path} {error.Place.Pointer} {error.Message}");
        }

        if (errors.Count > MaxListed)
        {
            reading.Problem(node, $"{path} has {errors.Count - MaxListed} more problems of this kind");
        }

        return errors.Count == 0 ? whole : null;
    }
}
