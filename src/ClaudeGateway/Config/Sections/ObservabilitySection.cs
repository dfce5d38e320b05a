using System.Globalization;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>observability</c>, all our own.</summary>
internal static class ObservabilitySection
{
    private const string Off = "off";
    private const int MaxGroups = 100;

    private static readonly Key<string> Listen = new(
        "metrics_listen",
        Text().Named("address and port").Must(ListenProblem),
        "Where Prometheus text is served at `/metrics`, without authentication and apart from everything else: `host:port`, "
            + "a port of the loopback address, or `off`.")
    {
        Default = "127.0.0.1:9464",
        Example = "0.0.0.0:9464",
    };

    private static readonly Key<IReadOnlyList<string>> Groups = new(
        "group_labels",
        ListOf(Text()).Checked(CheckGroups),
        "Groups by which `claude_gateway.cost` is told apart, at most 100. Of a developer's groups the one that comes "
            + "first here counts; everybody else is `other`.")
    {
        Default = "[]",
        Example = "[platform, research]",
    };

    private static readonly Key<bool> Metrics = new("metrics", Flag(), "Export metrics.") { Default = "true" };

    private static readonly Key<bool> Traces = new("traces", Flag(), "Export traces.") { Default = "true" };

    private static readonly Key<int> Interval = new(
        "interval_seconds", Integer(1, 3600), "Seconds between two exports of metrics.")
    {
        Default = "30",
    };

    private static readonly Key<bool> IsDelta = new(
        "temporality", Choice(("cumulative", false), ("delta", true)),
        "Whether counts go on from the start of the process or begin anew with each export.")
    {
        Default = "cumulative",
    };

    private static readonly Key<OtlpExportConfig> Otlp = new(
        "otlp",
        Object(
            [.. CollectorKeys.All, Metrics, Traces, Interval, IsDelta],
            fields => new OtlpExportConfig
            {
                Collector = CollectorKeys.Read(fields) with
                {
                    Metrics = fields.Get(Metrics),
                    Traces = fields.Get(Traces),
                },
                Interval = TimeSpan.FromSeconds(fields.Get(Interval)),
                IsDelta = fields.Get(IsDelta),
            },
            CollectorKeys.Check),
        "Export of the gateway's own metrics and traces by OTLP/HTTP.");

    private static readonly Key<double> TraceRatio = new(
        "trace_ratio",
        NumberFrom(0, 1, NumberSpelling.Coerced),
        "Share of the traces that begin here and are exported. A client that sends a `traceparent` has decided for its own; "
            + "sign-ins are always traced.")
    {
        Default = "0.05",
    };

    private static readonly Key<bool> Identities = new(
        "identities",
        Flag(),
        "Name subjects and e-mail addresses as standard error does. Without it an event has the first 16 digits of the "
            + "subject's SHA-256 (`sub_sha256`) instead.")
    {
        Default = "false",
    };

    private static readonly Key<AuditExportConfig> AuditOtlp = new(
        "audit_otlp",
        Object(
            [.. CollectorKeys.All, Identities],
            fields => new AuditExportConfig
            {
                Collector = CollectorKeys.Read(fields) with { Metrics = false, Logs = true },
                WithIdentities = fields.Get(Identities),
            },
            CollectorKeys.Check),
        "Export of audit events as OTLP logs, beside standard error.");

    public static readonly Shape<ObservabilityConfig> Shape = Object(
        [Listen, Groups, Otlp, TraceRatio, AuditOtlp],
        fields => new ObservabilityConfig
        {
            MetricsListen = ParseListen(fields.Get(Listen)),
            GroupLabels = fields.Get(Groups),
            Otlp = fields.Get(Otlp),
            TraceRatio = fields.Get(TraceRatio),
            AuditOtlp = fields.Get(AuditOtlp),
        });

    private static string? ListenProblem(string text) =>
        text == Off || Split(text) is not null
            ? null
            : $"must be host:port, a port, or {Off}; an IPv6 address stands in brackets";

    /// <summary>Null for <see cref="Off"/>.</summary>
    private static MetricsListen? ParseListen(string text) => text == Off ? null : Split(text);

    private static MetricsListen? Split(string text)
    {
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "127.0.0.1" : text[..colon];
        var isHost = host.Length > 0
            && (host[0] == '[' ? host[^1] == ']' : !host.Contains(':', StringComparison.Ordinal));
        return isHost
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new MetricsListen(host, port)
            : null;
    }

    private static void CheckGroups(IReadOnlyList<string> groups, Yaml.ConfigNode node, ConfigReading reading)
    {
        if (groups.Count > MaxGroups)
        {
            reading.Problem(node, $"has {groups.Count} entries; each is a series, and at most {MaxGroups} are kept");
        }
    }
}
