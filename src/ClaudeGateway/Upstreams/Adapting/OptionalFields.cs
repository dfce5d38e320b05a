using System.Text.Json;
using System.Text.RegularExpressions;
using ClaudeGateway.Json;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams.Adapting;

/// <summary>
/// Members of a request that some clouds do not know and that change nothing of what is asked: how the provider trims
/// old tool results, how it streams a tool's input, who shares a cache entry. Never more than these.
/// </summary>
[Flags]
internal enum OptionalFields
{
    None = 0,
    ContextManagement = 1,
    EagerInputStreaming = 2,
    CacheControlScope = 4,
}

/// <summary>Finds optional fields in a cloud's refusal and takes them out of a request.</summary>
internal static partial class OptionalField
{
    /// <summary>
    /// The nesting of a request that any client writes is far below; a hostile one must not end the stack.
    /// </summary>
    private const int MaxDepth = 64;

    private static readonly (OptionalFields Field, string Name, string BetaPrefix)[] All =
    [
        (OptionalFields.ContextManagement, "context_management", "context-management-"),
        (OptionalFields.EagerInputStreaming, "eager_input_streaming", "fine-grained-tool-streaming-"),
        (OptionalFields.CacheControlScope, "cache_control.scope", "prompt-caching-scope-"),
    ];

    /// <summary>What an object is, as far as members of it may be taken out.</summary>
    private enum Place
    {
        Request,
        Tools,
        Content,
        CacheControl,

        /// <summary>A tool's input or schema, a text, anything else: never looked into.</summary>
        Foreign,
    }

    /// <summary>The optional fields that a cloud's own words refuse as extra inputs.</summary>
    public static OptionalFields Refused(string? words)
    {
        var fields = OptionalFields.None;
        foreach (Match match in ExtraInput().Matches(words is { Length: <= 4096 } ? words : ""))
        {
            var path = match.Groups["path"].Value;
            fields |= IsContextManagement().IsMatch(path) ? OptionalFields.ContextManagement
                : IsEagerInputStreaming().IsMatch(path) ? OptionalFields.EagerInputStreaming
                : IsCacheControlScope().IsMatch(path) ? OptionalFields.CacheControlScope
                : OptionalFields.None;
        }

        return fields;
    }

    /// <summary>The fields that are not known without one of these betas.</summary>
    public static OptionalFields AnnouncedBy(string[] betas)
    {
        var fields = OptionalFields.None;
        foreach (var (field, _, prefix) in All)
        {
            fields |= Array.Exists(betas, beta => beta.StartsWith(prefix, StringComparison.Ordinal))
                ? field : OptionalFields.None;
        }

        return fields;
    }

    public static string[] Names(OptionalFields fields) =>
        [.. All.Where(known => (fields & known.Field) != 0).Select(known => known.Name)];

    /// <summary>
    /// The request without these fields, every other byte as it was; itself when it has none of them.
    /// </summary>
    public static UpstreamCall Without(UpstreamCall call, OptionalFields fields)
    {
        if (fields == OptionalFields.None)
        {
            return call;
        }

        var cuts = new List<Range>();
        var body = call.Message.Body;
        var json = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        json.Read();
        Walk(ref json, Place.Request, fields, cuts);
        return cuts.Count == 0 ? call : call with { Message = MessagesRequest.Edited([.. Left(body, cuts)]) };
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Left(ReadOnlyMemory<byte> body, List<Range> cuts)
    {
        var from = 0;
        foreach (var cut in cuts)
        {
            yield return body[from..cut.Start.Value];
            from = cut.End.Value;
        }

        yield return body[from..];
    }

    private static void Walk(ref Utf8JsonReader json, Place place, OptionalFields fields, List<Range> cuts)
    {
        if (place == Place.Foreign || json.CurrentDepth > MaxDepth)
        {
            json.Skip();
        }
        else if (json.TokenType == JsonTokenType.StartArray)
        {
            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                Walk(ref json, place, fields, cuts);
            }
        }
        else if (json.TokenType == JsonTokenType.StartObject)
        {
            WalkObject(ref json, place, fields, cuts);
        }
    }

    /// <summary>
    /// A member that goes takes the comma before it along; without one that stays before it, what stands up to the
    /// next.
    /// </summary>
    private static void WalkObject(ref Utf8JsonReader json, Place place, OptionalFields fields, List<Range> cuts)
    {
        int lastEnd = -1, leadingCut = -1;
        var hasKept = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)json.TokenStartIndex;
            if (leadingCut >= 0)
            {
                cuts.Add(leadingCut..start);
                leadingCut = -1;
            }

            var goes = Goes(ref json, place, fields);
            var inside = goes ? Place.Foreign : Inside(ref json, place);
            json.Read();
            Walk(ref json, inside, fields, cuts);
            var end = (int)json.BytesConsumed;
            if (goes && hasKept)
            {
                cuts.Add(lastEnd..end);
            }
            else if (goes)
            {
                leadingCut = start;
            }

            hasKept |= !goes;
            lastEnd = end;
        }

        if (leadingCut >= 0)
        {
            cuts.Add(leadingCut..lastEnd);
        }
    }

    private static bool Goes(ref Utf8JsonReader name, Place place, OptionalFields fields) => place switch
    {
        Place.Request => (fields & OptionalFields.ContextManagement) != 0 && name.TextIs("context_management"u8),
        Place.Tools => (fields & OptionalFields.EagerInputStreaming) != 0 && name.TextIs("eager_input_streaming"u8),
        Place.CacheControl => (fields & OptionalFields.CacheControlScope) != 0 && name.TextIs("scope"u8),
        _ => false,
    };

    private static Place Inside(ref Utf8JsonReader name, Place place) =>
        place == Place.CacheControl ? Place.Foreign
        : name.TextIs("cache_control"u8) ? Place.CacheControl
        : place == Place.Request && name.TextIs("tools"u8) ? Place.Tools
        : place == Place.Request && (name.TextIs("system"u8) || name.TextIs("messages"u8)) ? Place.Content
        : place == Place.Content && (name.TextIs("content"u8) || name.TextIs("source"u8)) ? Place.Content
        : Place.Foreign;

    [GeneratedRegex(
        """(?<path>[\w.]+)[`'"]?: extra inputs are not permitted""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ExtraInput();

    [GeneratedRegex("""^(body\.)?context_management\b""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IsContextManagement();

    [GeneratedRegex(
        """^(body\.)?tools\..*\beager_input_streaming$""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IsEagerInputStreaming();

    [GeneratedRegex("""\bcache_control\.(\w+\.)?scope$""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IsCacheControlScope();
}
