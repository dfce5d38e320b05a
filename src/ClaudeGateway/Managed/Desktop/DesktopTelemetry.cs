using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Managed.Desktop;

/// <summary>
/// Where Claude Desktop exports its telemetry and as whom (spec/policy.md, /user/bootstrap; spec/newer.md, telemetry).
/// </summary>
internal static class DesktopTelemetry
{
    /// <summary>Of a value once percent-encoded, the bound of OTEL_RESOURCE_ATTRIBUTES in clients.</summary>
    private const int MaxEncodedLength = 255;

    /// <param name="origin">The gateway's public origin.</param>
    public static void Add(JsonObject bootstrap, TelemetryConfig telemetry, string origin, Principal principal)
    {
        bootstrap["otlpEndpoint"] = origin;
        bootstrap["otlpProtocol"] = "http/protobuf";
        bootstrap["otlpResourceAttributes"] = Attributes(telemetry, principal);
    }

    private static JsonObject Attributes(TelemetryConfig telemetry, Principal principal)
    {
        var attributes = new JsonObject(
            telemetry.ResourceAttributes.Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value)));
        var email = string.IsNullOrEmpty(principal.Email) ? null : principal.Email;
        attributes["enduser.id"] = email ?? principal.Sub;
        if (email is not null)
        {
            attributes["user.email"] = email;
        }

        if (Groups(principal) is { } groups)
        {
            attributes["user.groups"] = groups;
        }

        if (principal.Sub.All(IsPlain) && Fits(principal.Sub))
        {
            attributes["enduser.sub"] = principal.Sub;
        }

        return attributes;
    }

    /// <summary>Null when there are none, or when the joined list could not be read back.</summary>
    private static string? Groups(Principal principal)
    {
        var names = principal.Groups.Where(g => g.Length > 0).ToList();
        var joined = string.Join(',', names);
        return names.Count > 0 && !names.Exists(g => g.AsSpan().ContainsAny(',', '=')) && Fits(joined) ? joined : null;
    }

    private static bool Fits(string value) =>
        value.Length <= MaxEncodedLength && Uri.EscapeDataString(value).Length <= MaxEncodedLength;

    /// <summary>W3C Baggage octets without the "%" that would need decoding.</summary>
    private static bool IsPlain(char c) => c is > ' ' and <= '~' and not (',' or ';' or '=' or '"' or '\\' or '%');
}
