using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>
/// What OTEL_RESOURCE_ATTRIBUTES can carry (OpenTelemetry resource SDK, "Specifying resource information via an
/// environment variable"), and no name that the client or the gateway sets itself.
/// </summary>
internal static class ResourceAttributeRules
{
    /// <summary>Of a value once percent-encoded.</summary>
    private const int MaxEncodedLength = 255;

    private static readonly string[] Reserved = [
        "service.name", "service.version", "os.type", "os.version", "host.arch", "wsl.version"];
    private static readonly string[] ReservedPrefixes = ["user.", "enduser."];

    public static readonly Shape<IReadOnlyDictionary<string, string>> Shape = MapOf(
        Text().Must(ValueProblem), CheckName);

    private static void CheckName(ConfigEntry entry, ConfigReading reading)
    {
        if (NameProblem(entry.Key) is { } wrong)
        {
            reading.Problem(entry.KeyPosition, entry.Value.Path, wrong);
        }
    }

    private static string? NameProblem(string name)
    {
        if (name.Length is 0 or > MaxEncodedLength
            || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
        {
            return $"is no attribute name: 1 to {MaxEncodedLength} letters, digits and . _ -";
        }

        return Array.Exists(Reserved, word => name.Equals(word, StringComparison.OrdinalIgnoreCase))
            || Array.Exists(ReservedPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            ? "is set by the client or the gateway itself; use another name"
            : null;
    }

    private static string? ValueProblem(string value)
    {
        if (value.Any(c => !IsPlain(c)))
        {
            return "must be printable ASCII without blanks and without , ; = \\ \" %";
        }

        return Uri.EscapeDataString(value).Length > MaxEncodedLength
            ? $"must have at most {MaxEncodedLength} characters once percent-encoded"
            : null;
    }

    private static bool IsPlain(char c) => c is > ' ' and <= '~' and not (',' or ';' or '"' or '\\' or '=' or '%');
}
