using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// The <c>usage</c> object of an answer, field by field as an upstream wrote it; null where it said nothing. Figures
/// outside 0 to a thousand million are an upstream's fault: they are clamped and <see cref="IsClamped"/> says so.
/// </summary>
internal sealed class ReportedUsage
{
    private const long MaxTokens = 1_000_000_000;

    private long? _input;
    private long? _output;
    private long? _cacheRead;
    private long? _cacheCreation;
    private long? _cacheCreation5m;
    private long? _cacheCreation1h;
    private long? _webSearches;

    public long? Input => _input;

    public long? Output => _output;

    public long? CacheRead => _cacheRead;

    /// <summary>All cache writes together.</summary>
    public long? CacheCreation => _cacheCreation;

    public long? CacheCreation5m => _cacheCreation5m;

    public long? CacheCreation1h => _cacheCreation1h;

    public long? WebSearches => _webSearches;

    public bool IsFast { get; private set; }

    /// <summary>Whether anything is said to have come from the cache or gone into it.</summary>
    public bool HasCacheFigures => _cacheRead > 0 || CacheWrites > 0;

    public bool IsClamped { get; private set; }

    /// <summary>
    /// Reads the object <paramref name="json"/> stands on; null when a figure is no number, so that nothing can be
    /// believed.
    /// </summary>
    /// <exception cref="JsonException">The object is broken.</exception>
    public static ReportedUsage? Read(ref Utf8JsonReader json)
    {
        var usage = new ReportedUsage();
        return usage.ReadFields(ref json) ? usage : null;
    }

    /// <summary>
    /// Takes over what a later event of the same stream says: its figures are cumulative, so the input side never
    /// shrinks and the latest output counts.
    /// </summary>
    public void Update(ReportedUsage later)
    {
        _input = Larger(_input, later._input);
        _cacheRead = Larger(_cacheRead, later._cacheRead);
        _cacheCreation = Larger(_cacheCreation, later._cacheCreation);
        _cacheCreation5m = Larger(_cacheCreation5m, later._cacheCreation5m);
        _cacheCreation1h = Larger(_cacheCreation1h, later._cacheCreation1h);
        _webSearches = later._webSearches ?? _webSearches;
        _output = later._output ?? _output;
        IsClamped |= later.IsClamped;
    }

    /// <summary>Takes over what a later event says, figure by figure; what it leaves out stays.</summary>
    public void Replace(ReportedUsage later)
    {
        _input = later._input ?? _input;
        _cacheRead = later._cacheRead ?? _cacheRead;
        _cacheCreation = later._cacheCreation ?? _cacheCreation;
        _cacheCreation5m = later._cacheCreation5m ?? _cacheCreation5m;
        _cacheCreation1h = later._cacheCreation1h ?? _cacheCreation1h;
        IsClamped |= later.IsClamped;
    }

    /// <summary>
    /// Whether these figures are a prompt of so many tokens told apart: read, from the cache and into it. Clamped ones
    /// add up by accident.
    /// </summary>
    public bool DividesPrompt(long tokens) =>
        _input is { } input && !IsClamped && input + (_cacheRead ?? 0) + CacheWrites == tokens;

    /// <summary>The prompt is what <paramref name="parts"/> say, and nothing beside it.</summary>
    public void DividePrompt(ReportedUsage parts)
    {
        _input = parts._input;
        _cacheRead = parts._cacheRead;
        _cacheCreation = parts._cacheCreation;
        _cacheCreation5m = parts._cacheCreation5m;
        _cacheCreation1h = parts._cacheCreation1h;
    }

    /// <param name="output">Stands in for an output the upstream did not report.</param>
    public TokenUsage ToTokenUsage(long output)
    {
        var write1h = CacheCreation1h ?? 0;
        var write5m = CacheCreation5m ?? 0;
        if (CacheCreation is > 0 and { } total)
        {
            write1h = Math.Min(write1h, total);
            write5m = total - write1h;
        }

        return new TokenUsage
        {
            Input = Input ?? 0,
            Output = output,
            CacheRead = CacheRead ?? 0,
            CacheWrite5m = write5m,
            CacheWrite1h = write1h,
            WebSearches = WebSearches ?? 0,
            IsFast = IsFast,
        };
    }

    /// <summary>Without a total, or beside one of nothing, the parts count by themselves.</summary>
    private long CacheWrites =>
        _cacheCreation is > 0 and { } total ? total : (_cacheCreation5m ?? 0) + (_cacheCreation1h ?? 0);

    private static long? Larger(long? left, long? right) =>
        left is null ? right : right is null ? left : Math.Max(left.Value, right.Value);

    private bool ReadFields(ref Utf8JsonReader json)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isReadable = json.TextIs("input_tokens"u8) ? TryCount(ref json, ref _input)
                : json.TextIs("output_tokens"u8) ? TryCount(ref json, ref _output)
                : json.TextIs("cache_read_input_tokens"u8) ? TryCount(ref json, ref _cacheRead)
                : json.TextIs("cache_creation_input_tokens"u8) ? TryCount(ref json, ref _cacheCreation)
                : json.TextIs("cache_creation"u8) ? TryParts(ref json)
                : json.TextIs("server_tool_use"u8) ? TryTools(ref json)
                : json.TextIs("speed"u8) ? TrySpeed(ref json)
                : Skip(ref json);
            if (!isReadable)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryParts(ref Utf8JsonReader json)
    {
        if (!EnterObject(ref json))
        {
            return true;
        }

        var isReadable = true;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            isReadable &= json.TextIs("ephemeral_1h_input_tokens"u8) ? TryCount(ref json, ref _cacheCreation1h)
                : json.TextIs("ephemeral_5m_input_tokens"u8) ? TryCount(ref json, ref _cacheCreation5m)
                : Skip(ref json);
        }

        return isReadable;
    }

    private bool TryTools(ref Utf8JsonReader json)
    {
        if (!EnterObject(ref json))
        {
            return true;
        }

        var isReadable = true;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            isReadable &= json.TextIs("web_search_requests"u8) ? TryCount(ref json, ref _webSearches) : Skip(ref json);
        }

        return isReadable;
    }

    private bool TrySpeed(ref Utf8JsonReader json)
    {
        json.Read();
        IsFast = json.TokenType == JsonTokenType.String && json.TextIs("fast"u8);
        json.Skip();
        return true;
    }

    private bool TryCount(ref Utf8JsonReader json, ref long? field)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (json.TokenType != JsonTokenType.Number)
        {
            json.Skip();
            return false;
        }

        var reported = json.TryGetInt64(out var whole) ? whole : Math.Round(json.GetDouble());
        var count = Math.Clamp(reported, 0, MaxTokens);
        IsClamped |= count != reported;
        field = (long)count;
        return true;
    }

    private static bool EnterObject(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.StartObject)
        {
            return true;
        }

        json.Skip();
        return false;
    }

    private static bool Skip(ref Utf8JsonReader json)
    {
        json.Skip();
        return true;
    }
}
