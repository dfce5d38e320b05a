using ClaudeGateway.Config.Sections.Upstreams;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>
/// The keys of a collector: where it is and how the gateway authenticates there. The same wherever one is named.
/// </summary>
internal static class CollectorKeys
{
    private static readonly string[] SignalPaths = ["/v1/metrics", "/v1/logs", "/v1/traces"];

    public static readonly Key<Uri> Url = new(
        "url",
        HttpUrl().Must(UrlProblem),
        "Base URL of an OTLP/HTTP collector; `/v1/metrics` and so on are appended. https, or http on this machine.")
    {
        IsRequired = true,
        Example = "https://otel.example.com:4318",
    };

    public static readonly Key<IReadOnlyDictionary<string, Secret>> Headers = new(
        "headers",
        MapOf(
            SecretText(0)
            .Must(value => value.Reveal().Any(char.IsControl) ? "must be one line without control characters" : null),
            CheckHeaderName),
        "Sent with each export, usually the collector's key.")
    {
        Default = "{}",
        Example = "{ x-api-key: \"${OTEL_KEY}\" }",
    };

    public static readonly Key<CollectorAuth> Auth = new(
        "auth", CollectorAuthSection.Shape, "How the gateway authenticates, beside `headers`.");

    public static IReadOnlyList<Key> All => [Url, Headers, Auth];

    public static TelemetryDestination Read(Fields fields) => new()
    {
        Url = fields.Get(Url),
        Headers = fields.Get(Headers),
        Auth = fields.Get(Auth) is CollectorAuth.Aws aws
            ? CollectorAuthSection.Complete(aws, fields.Get(Url))
            : fields.Get(Auth),
    };

    public static void Check(Fields fields)
    {
        LoopbackRules.Check(fields, Url, fields.Get(Url));
        if (fields.Has(Url) && SignalPath(fields.Get(Url)) is { } path)
        {
            fields.Warn(
                Url,
                $"ends in {path}, which the gateway appends itself: exports go to …{path}{path}. Write the "
                    + "collector's base URL, without it");
        }

        if (fields.Has(Auth) && fields.Has(Url)
            && CollectorAuthSection.Problem(fields.Get(Auth), fields.Get(Url)) is { } problem)
        {
            fields.Problem(Auth, problem);
        }

        if (fields.IsGiven(Auth) && fields.Has(Headers)
            && fields.Get(Headers).Keys.Any(name => name.Equals("authorization", StringComparison.OrdinalIgnoreCase)))
        {
            fields.Problem(Headers, "must not hold Authorization beside auth, which sets it");
        }
    }

    private static void CheckHeaderName(Yaml.ConfigEntry entry, ConfigReading reading)
    {
        if (!UpstreamHeaders.IsName(entry.Key))
        {
            reading.Problem(entry.KeyPosition, entry.Value.Path, "is not a header name (RFC 9110 section 5.1)");
        }
    }

    /// <summary>The path of a signal (OTLP/HTTP, default URL paths) that the URL ends in, or null.</summary>
    private static string? SignalPath(Uri url) =>
        Array.Find(
            SignalPaths, path => url.AbsolutePath.TrimEnd('/').EndsWith(path, StringComparison.OrdinalIgnoreCase));

    private static string? UrlProblem(Uri url) =>
        url.Scheme == Uri.UriSchemeHttps || AddressRules.IsLoopbackHost(url.Host)
        ? null
        : "must be https: exports hold names and addresses (http is only for a collector on this machine)";
}
