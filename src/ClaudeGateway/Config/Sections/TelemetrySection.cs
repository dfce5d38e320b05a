using ClaudeGateway.Config.Sections.Upstreams;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>telemetry</c>.</summary>
internal static class TelemetrySection
{
    private static readonly string[] SignalPaths = ["/v1/metrics", "/v1/logs", "/v1/traces"];

    private static readonly Key<Uri> Url = new(
        "url",
        HttpUrl().Must(UrlProblem),
        "Base URL of an OTLP/HTTP collector; `/v1/metrics` and so on are appended. https, or http on this machine.")
    {
        IsRequired = true,
        Example = "https://otel.example.com:4318",
    };

    private static readonly Key<IReadOnlyDictionary<string, Secret>> Headers = new(
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

    private static readonly Key<bool> Metrics = new("metrics", Flag(), "Forward metrics.") { Default = "true" };

    private static readonly Key<bool> Logs = new("logs", Flag(), "Forward logs and events.") { Default = "false" };

    private static readonly Key<bool> Traces = new("traces", Flag(), "Forward traces.") { Default = "false" };

    private static readonly Key<CollectorAuth> Auth = new(
        "auth", CollectorAuthSection.Shape, "How the gateway authenticates, beside `headers`.");

    private static readonly Shape<TelemetryDestination> Destination = Object(
        [Url, Headers, Metrics, Logs, Traces, Auth], Build, Check);

    private static readonly Key<IReadOnlyList<TelemetryDestination>> ForwardTo = new(
        "forward_to", ListOf(Destination), "Collectors that receive the clients' OpenTelemetry exports.")
    {
        Default = "[]",
    };

    private static readonly Key<IReadOnlyDictionary<string, string>> ResourceAttributes = new(
        "resource_attributes", ResourceAttributeRules.Shape, "Labels pushed to clients as OTEL_RESOURCE_ATTRIBUTES.")
    {
        Default = "{}",
        Example = "{ deployment.environment.name: production }",
    };

    private static readonly Key<string> Temporality = new(
        "temporality",
        Choice(("cumulative", "cumulative"), ("delta", "delta"), ("lowmemory", "lowmemory")),
        "Pushed to clients as OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. Claude Code sends deltas when nothing "
            + "is pushed; stores that drop those (Prometheus and others) need `cumulative`.")
    {
        Example = "cumulative",
    };

    public static readonly Shape<TelemetryConfig> Shape = Object(
        [ForwardTo, ResourceAttributes, Temporality],
        fields => new TelemetryConfig
        {
            ForwardTo = fields.Get(ForwardTo),
            ResourceAttributes = fields.Get(ResourceAttributes),
            Temporality = fields.Get(Temporality),
        },
        fields =>
        {
            if (fields.IsGiven(ResourceAttributes) && fields.Get(ForwardTo) is { Count: 0 })
            {
                fields.Warn(ResourceAttributes, "has no effect without a collector in forward_to");
            }

            if (fields.IsGiven(Temporality) && !(fields.Get(ForwardTo) ?? []).Any(destination => destination.Metrics))
            {
                fields.Warn(Temporality, "has no effect without a collector in forward_to that takes metrics");
            }
        });

    private static TelemetryDestination Build(Fields fields) => new()
    {
        Url = fields.Get(Url),
        Headers = fields.Get(Headers),
        Metrics = fields.Get(Metrics),
        Logs = fields.Get(Logs),
        Traces = fields.Get(Traces),
        Auth = fields.Get(Auth) is CollectorAuth.Aws aws
        ? CollectorAuthSection.Complete(aws, fields.Get(Url))
        : fields.Get(Auth),
    };

    private static void Check(Fields fields)
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
