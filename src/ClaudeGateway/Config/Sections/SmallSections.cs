using System.Globalization;
using System.Net;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>access_control</c>.</summary>
internal static class AccessControlSection
{
    private static readonly Key<IReadOnlyList<IPNetwork>> Allow = new(
        "allow_cidrs", ListOf(Cidr()), "Only clients in these blocks are served; an empty list serves everybody.")
    {
        Default = "[]",
        Example = "[10.0.0.0/8]",
    };

    private static readonly Key<IReadOnlyList<IPNetwork>> Deny = new(
        "deny_cidrs", ListOf(Cidr()), "Clients in these blocks are refused, even when allowed above.")
    {
        Default = "[]",
        Example = "[10.9.0.0/16]",
    };

    public static readonly Shape<AccessControlConfig> Shape = Object([Allow, Deny], fields => new AccessControlConfig
    {
        AllowCidrs = fields.Get(Allow),
        DenyCidrs = fields.Get(Deny),
    });
}

/// <summary>Keys of <c>limits</c>.</summary>
internal static class LimitsSection
{
    /// <summary>
    /// A body is kept in one piece of memory until an upstream has taken it; an array of the runtime ends near 2 GB.
    /// </summary>
    private const long MaxRequestBytes = 1_000_000_000;

    private static readonly Key<long> RequestBytes = new(
        "max_request_bytes", LongInteger(1, MaxRequestBytes), "Bytes of one request body; larger ones get 413.")
    {
        Default = "33554432",
    };

    private static readonly Key<int> HeaderBytes = new(
        "max_request_header_bytes", Integer(1), "Bytes of all request headers together; more get 431.")
    {
        Example = "65536",
    };

    private static readonly Key<int> UrlLength = new(
        "max_url_length", Integer(1), "Characters of the whole URL; longer ones get 414.")
    {
        Example = "8192",
    };

    private static readonly Key<int> UpstreamRequests = new(
        "max_upstream_requests",
        Integer(1),
        "Messages with upstreams at one time, on each replica; further ones wait their turn, outside every timeout. "
            + "Token counts have a quarter as many places beside them. Not limited unless given.")
    {
        Example = "1000",
    };

    public static readonly Shape<LimitsConfig> Shape = Object(
        [RequestBytes, HeaderBytes, UrlLength, UpstreamRequests], fields => new LimitsConfig
        {
            MaxRequestBytes = fields.Get(RequestBytes),
            MaxRequestHeaderBytes = fields.Find(HeaderBytes),
            MaxUrlLength = fields.Find(UrlLength),
            MaxUpstreamRequests = fields.Find(UpstreamRequests),
        });
}

/// <summary>Keys of <c>timeouts</c>.</summary>
internal static class TimeoutsSection
{
    private static readonly Key<int> UpstreamTtfb = new(
        "upstream_ttfb_ms",
        Integer(1),
        "Milliseconds an upstream may take to begin its answer before the next one is tried. Cloud upstreams are "
            + "bounded only when the key is given.")
    {
        Default = "120000",
    };

    public static readonly Shape<TimeoutsConfig> Shape = Object([UpstreamTtfb], fields => new TimeoutsConfig
    {
        UpstreamTtfb = TimeSpan.FromMilliseconds(fields.Get(UpstreamTtfb)),
        UpstreamTtfbIsSet = fields.IsGiven(UpstreamTtfb),
    });
}

/// <summary>Keys of <c>rate_limits</c>.</summary>
internal static class RateLimitsSection
{
    /// <summary>A year.</summary>
    private const int MaxWindow = 365 * 24 * 3600;

    private static readonly Key<int> Window = new(
        "window_seconds",
        Integer(1, MaxWindow),
        "Length of the window in seconds.")
    {
        Default = "600",
    };

    private static readonly Key<RateLimitRule> DeviceAuthorization = new(
        "device_authorization", Rule(30), "Sign-ins started per client address.")
    {
        Default = "{}",
    };

    private static readonly Key<RateLimitRule> DeviceVerify = new(
        "device_verify", Rule(10), "User codes entered per client address.")
    {
        Default = "{}",
    };

    public static readonly Shape<RateLimitsConfig> Shape = Object(
        [DeviceAuthorization, DeviceVerify], fields => new RateLimitsConfig
        {
            DeviceAuthorization = fields.Get(DeviceAuthorization),
            DeviceVerify = fields.Get(DeviceVerify),
        });

    private static RecordShape<RateLimitRule> Rule(int defaultMax)
    {
        var max = new Key<int>("max", Integer(1), "Attempts in one window.")
        {
            Default = defaultMax.ToString(CultureInfo.InvariantCulture),
        };
        return Object(
            [max, Window], fields => new RateLimitRule(fields.Get(max), TimeSpan.FromSeconds(fields.Get(Window))));
    }
}

/// <summary>Keys of <c>load_test_mode</c>.</summary>
internal static class LoadTestModeSection
{
    private static readonly Key<bool> Enabled = new(
        "enabled",
        Flag(),
        "Answer every message with canned text instead of asking a model. Never on a gateway people use.")
    {
        IsRequired = true,
        Example = "true",
    };

    private static readonly Key<int> ReplyTokens = new(
        "reply_tokens", Integer(1, 100_000, NumberSpelling.Strict), "Length of an answer in tokens, about.")
    {
        Default = "750",
    };

    private static readonly Key<bool> ReportUsage = new(
        "report_usage",
        Flag(),
        "State tokens in the answers, so that metering is exercised and caps fill up. Our own key; without it answers "
            + "cost nothing.")
    {
        Default = "false",
    };

    private static readonly Key<double> ReplySeconds = new(
        "reply_seconds", NumberFrom(0, 600, NumberSpelling.Strict), "Seconds over which a streamed answer is spread.")
    {
        Default = "9.5",
    };

    public static readonly Shape<LoadTestModeConfig> Shape = Object(
        [Enabled, ReplyTokens, ReplySeconds, ReportUsage],
        fields =>
            new LoadTestModeConfig(
                fields.Get(Enabled),
                fields.Get(ReplyTokens),
                TimeSpan.FromSeconds(fields.Get(ReplySeconds)),
                fields.Get(ReportUsage)));
}
