using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using ClaudeGateway.Outbound;

namespace ClaudeGateway.Config.Sections;

/// <summary>
/// URLs that lead to this machine are refused unless the environment allows them (see <see cref="SsrfGuard"/>).
/// </summary>
internal static class LoopbackRules
{
    public static void Check(Fields fields, Key key, string? url)
    {
        if (fields.Has(key) && Uri.TryCreate(url?.Trim(), UriKind.Absolute, out var parsed))
        {
            Check(fields, key, parsed);
        }
    }

    public static void Check(Fields fields, Key key, Uri? url)
    {
        if (url is not null && fields.Has(key) && AddressRules.IsLoopbackHost(url.Host)
            && !fields.Reading.Environment.AllowLoopback)
        {
            fields.Problem(
                key,
                $"leads to this machine ({url.Host}); set CLAUDE_GATEWAY_ALLOW_LOOPBACK=1 in the environment to allow "
                    + "that for local testing");
        }
    }
}
