using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>
/// Which headers an upstream may be given: real ones (RFC 9110 section 5), none that the gateway computes
/// (spec/newer.md, upstreams[].headers).
/// </summary>
internal static partial class UpstreamHeaders
{
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "authorization", "proxy-authorization", "x-api-key", "host", "content-type", "content-length", "user-agent",
        "accept", "accept-encoding", "connection", "te",
        "expect", "transfer-encoding", "keep-alive", "upgrade", "trailer", "content-encoding", "api-key",
        "x-litellm-end-user-id",
    };

    private static readonly string[] ReservedPrefixes = [
        "x-stainless-", "anthropic-", "x-goog-", "x-amz-", "x-amzn-", "x-claude-gateway-"];

    public static readonly Shape<IReadOnlyDictionary<string, string>> Shape = MapOf(new HeaderValueShape(),
        CheckName).Checked(RefuseTwice);

    /// <summary>Why the name cannot be given; null when it can.</summary>
    public static string? NameProblem(string name)
    {
        if (!IsName(name))
        {
            return "is not a header name (RFC 9110 section 5.1)";
        }

        if (Reserved.Contains(name)
            || Array.Exists(ReservedPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
        {
            return "is set by the gateway itself and cannot be given";
        }

        return IsOfRequest(name) ? null
            : "describes the body, which is the client's, and cannot be given; name a header of the request";
    }

    public static bool IsName(string text) => Token().IsMatch(text);

    /// <summary>
    /// Whether a request can carry the header apart from its body; the framework itself knows which belong to that.
    /// </summary>
    private static bool IsOfRequest(string name)
    {
        using var request = new HttpRequestMessage();
        return request.Headers.TryAddWithoutValidation(name, "1");
    }

    private static void CheckName(ConfigEntry entry, ConfigReading reading)
    {
        if (NameProblem(entry.Key) is { } wrong)
        {
            reading.Problem(entry.KeyPosition, entry.Value.Path, wrong);
        }
    }

    private static void RefuseTwice(IReadOnlyDictionary<string, string> headers, ConfigNode node, ConfigReading reading)
    {
        foreach (var twice in headers.Keys.GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1))
        {
            reading.Problem(node, $"gives one header twice: {string.Join(", ", twice)}");
        }
    }

    [GeneratedRegex(@"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}

/// <summary>
/// Printable ASCII without blank ends; never repeated in messages, because keys are often passed in headers.
/// </summary>
internal sealed class HeaderValueShape : Shape<string>
{
    private static readonly TextShape Text = new(1, int.MaxValue, isSecret: true);

    public override string Name => "text";

    public override bool IsSecret => true;

    public override System.Text.Json.Nodes.JsonObject Schema() => Text.Schema();

    public override bool TryRead(
        ConfigNode node, ConfigReading reading, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out string value)
    {
        if (!Text.TryRead(node, reading, out value))
        {
            return false;
        }

        if (value.Any(c => c is < ' ' or > '~'))
        {
            reading.Problem(node, "must be printable ASCII on one line");
            return false;
        }

        if (value[0] == ' ' || value[^1] == ' ')
        {
            reading.Problem(node, "must not begin or end with a blank");
            return false;
        }

        return true;
    }
}
