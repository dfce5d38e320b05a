using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Net;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>The keys every entry of <c>upstreams</c> has, whatever its provider.</summary>
internal sealed class UpstreamKeys
{
    private readonly Key<string> _provider;
    private readonly Key<string> _name;
    private readonly Key<Uri> _baseUrl;
    private readonly Key<IReadOnlyDictionary<string, string>> _headers;
    private readonly Key<int> _idleTimeout;
    private readonly Key<bool> _forwardTraceContext;
    private readonly Key<IReadOnlyList<string>> _groups;
    private readonly Key<IReadOnlyList<string>> _models;
    private readonly string _providerName;

    /// <param name="alias">Another word for the provider; null when there is none.</param>
    public UpstreamKeys(string provider, string baseUrlExample, bool needsModels = false, string? alias = null)
    {
        _providerName = provider;
        _provider = new(
            "provider",
            Choice((provider, provider)),
            "The kind of upstream." + (alias is null ? "" : $" `{alias}` means the same."))
        {
            IsRequired = true,
            Example = provider,
        };
        _name = new(
            "name", Text(0), "Name by which other sections and the log refer to it; unique. The provider when absent.")
        {
            Example = "primary",
        };
        _baseUrl = new("base_url", HttpUrl().Must(BaseUrlProblem), "Replaces the provider's own endpoint.")
        {
            Example = baseUrlExample,
        };
        _headers = new(
            "headers", UpstreamHeaders.Shape, "Added to each request, replacing the client's header of that name.")
        {
            Default = "{}",
            Example = "{ x-source: gateway }",
        };
        _idleTimeout = new(
            "idle_timeout_ms",
            Integer(1, 86_400_000),
            "Milliseconds for which this upstream may send no byte after its response headers. Then the next one is tried "
                + "if nothing of the answer has gone to the client, or the answer ends with an error. Our own key.")
        {
            Default = "300000",
        };
        _forwardTraceContext = new(
            "forward_trace_context",
            Flag(),
            "Send this upstream the W3C trace context (`traceparent`, `tracestate`) of the gateway's own span, or the client's "
                + "where none is drawn. Our own key.")
        {
            Default = "false",
        };
        _groups = new(
            "groups", ListOf(Text(), 1), "Only developers in one of these groups are sent here; everybody when absent.")
        {
            Example = "[research]",
        };
        _models = new(
            "models",
            ListOf(Text(), 1),
            "Only these models are sent here; each entry may hold one `*`." + (needsModels ? "" : " All when absent."))
        {
            IsRequired = needsModels,
            Example = "[claude-sonnet-5, \"claude-haiku-*\"]",
        };
    }

    public Key<Uri> BaseUrl => _baseUrl;

    /// <summary>Common keys around the provider's own ones, in the order in which people write them.</summary>
    public IReadOnlyList<Key> With(params Key[] own) =>
        [_provider, _name, .. own, _baseUrl, _headers, _idleTimeout, _forwardTraceContext, _groups, _models];

    /// <summary><paramref name="own"/> with what the common keys say.</summary>
    public UpstreamConfig Complete(Fields fields, UpstreamConfig own) => own with
    {
        Name = fields.Get(_name) is { Length: > 0 } name ? name : _providerName,
        BaseUrl = fields.Get(_baseUrl),
        Headers = fields.Get(_headers),
        IdleTimeout = TimeSpan.FromMilliseconds(fields.Get(_idleTimeout)),
        ForwardTraceContext = fields.Get(_forwardTraceContext),
        Groups = fields.Get(_groups),
        Models = fields.Get(_models),
    };

    /// <summary>
    /// These values become part of a host name or path; the reference takes any, so the operator is only told.
    /// </summary>
    /// <param name="others">Characters beside lower-case letters and digits that belong to such a name.</param>
    public static void WarnIfOddlySpelled(Fields fields, Key<string> key, string others, string what)
    {
        if (fields.Has(key)
            && fields.Get(key).Any(
                c =>
                    !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c)
                    && !others.Contains(c, StringComparison.Ordinal)))
        {
            fields.Warn(key, $"is not spelled like {what}");
        }
    }

    public void Check(Fields fields)
    {
        LoopbackRules.Check(fields, _baseUrl, fields.Get(_baseUrl));
        if (fields.Has(_baseUrl) && fields.Get(_baseUrl) is { Scheme: "http" } url
            && !AddressRules.IsLoopbackHost(url.Host))
        {
            fields.Warn(_baseUrl, "is plain http: prompts and the provider's credential cross the network unencrypted");
        }

        if (fields.Has(_groups) && fields.Get(_groups).Any(string.IsNullOrWhiteSpace))
        {
            fields.Warn(_groups, "has a blank entry, which matches nobody");
        }
    }

    private static string? BaseUrlProblem(Uri url) => url switch
    {
        { UserInfo.Length: > 0 } => "must not hold credentials; use the auth block",
        { Query.Length: > 0 } or { Fragment.Length: > 0 } =>
            "must not have a query or fragment: request paths are appended to it",
        _ => null,
    };
}
