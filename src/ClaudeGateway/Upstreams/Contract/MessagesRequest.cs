using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>
/// A Messages API request: the bytes as they came and the few fields the gateway acts on (spec/inference.md, order of
/// the checks). Everything else is the upstream's business.
/// </summary>
internal sealed class MessagesRequest
{
    private JsonMembers? _members;

    private MessagesRequest(
        JsonMembers members, string model, Range modelValue, Range? tagsValue, bool isStream, long maxTokens)
    {
        _members = members;
        Model = model;
        ModelValue = modelValue;
        TagsValue = tagsValue;
        IsStream = isStream;
        MaxTokens = maxTokens;
    }

    /// <summary>Empty after <see cref="ReleaseBody"/>.</summary>
    public ReadOnlyMemory<byte> Body => _members?.Json ?? default;

    /// <summary>
    /// Where the body's members stand, for every upstream that is tried; not to be asked for after <see
    /// cref="ReleaseBody"/>.
    /// </summary>
    public JsonMembers Members => _members ?? throw new InvalidOperationException("the body has been let go of");

    /// <summary>As the client wrote it, untrimmed; not empty.</summary>
    public string Model { get; }

    /// <summary>Where the value of <c>model</c> stands in the body, quotes included.</summary>
    public Range ModelValue { get; }

    /// <summary>Where the value of <c>tags</c> stands in the body; null without that member.</summary>
    public Range? TagsValue { get; }

    public bool IsStream { get; }

    /// <summary>The larger one where <c>max_tokens</c> appears twice; 0 when it is no positive number.</summary>
    public long MaxTokens { get; }

    /// <summary>
    /// Lets go of the body's memory, which its owner takes back; the answer may take much longer than the asking.
    /// </summary>
    public void ReleaseBody() => _members = null;

    /// <summary>The same request with some of its members changed; it has memory of its own.</summary>
    /// <param name="pieces">The edited body: JSON as this one's.</param>
    public static MessagesRequest Edited(ReadOnlyMemory<byte>[] pieces)
    {
        var body = new byte[pieces.Sum(piece => piece.Length)];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.CopyTo(body.AsMemory(at));
            at += piece.Length;
        }

        return Read(body).Request ?? throw new InvalidOperationException("the edited body is no request");
    }

    /// <summary>The request, or the error the client gets. The body's memory must outlive the request.</summary>
    /// <param name="nested">Is shown everything but <c>model</c> and <c>tags</c>; null where no policy asks.</param>
    public static (MessagesRequest? Request, ApiError? Error) Read(
        ReadOnlyMemory<byte> body, NestedModels? nested = null)
    {
        try
        {
            return Parse(body, nested);
        }
        catch (JsonException)
        {
            return (null, ApiError.InvalidRequest("invalid JSON"));
        }
    }

    private static (MessagesRequest? Request, ApiError? Error) Parse(ReadOnlyMemory<byte> body, NestedModels? nested)
    {
        var members = new TopLevelMembers(body.Span);
        if (!members.IsObject)
        {
            return (null, ApiError.InvalidRequest("request body must be a JSON object"));
        }

        ValueWalk? walk = nested is null ? null : nested.ReadValue;
        var table = new JsonMembers(body, members.FirstMember);
        string? model = null;
        Range modelValue = default;
        Range? tagsValue = null;
        long maxTokens = 0;
        bool isStream = false, hasModel = false, isRepeated = false;
        while (members.MoveNext())
        {
            if (members.NameIs("model"u8))
            {
                isRepeated |= hasModel;
                model = members.ReadValue() == JsonTokenType.String && !hasModel ? members.ReadString() : null;
                hasModel = true;
                modelValue = members.ValueStart..members.ValueEnd;
            }
            else if (members.NameIs("tags"u8))
            {
                isRepeated |= tagsValue is not null;
                members.ReadValue();
                tagsValue = members.ValueStart..members.ValueEnd;
            }
            else if (members.NameIs("stream"u8))
            {
                isStream = members.ReadValue(walk) == JsonTokenType.True;
            }
            else if (members.NameIs("max_tokens"u8))
            {
                var isNumber = members.ReadValue(walk) == JsonTokenType.Number;
                maxTokens = Math.Max(maxTokens, isNumber ? Number(body.Span[members.ValueStart..members.ValueEnd]) : 0);
            }
            else
            {
                members.ReadValue(walk);
            }

            table.Add(in members);
        }

        if (isRepeated)
        {
            // The gateway would check one of them and an upstream obey the other.
            return (null, ApiError.InvalidRequest("model and tags must each appear only once"));
        }

        return model switch
        {
            null when hasModel => (null, ApiError.InvalidRequest("model must be a string")),
            null or "" => (null, ApiError.InvalidRequest("model is required")),
            _ => (new MessagesRequest(table, model, modelValue, tagsValue, isStream, maxTokens), null),
        };
    }

    /// <summary>The largest number there is for one beyond all measure.</summary>
    private static long Number(ReadOnlySpan<byte> json) =>
        Utf8Parser.TryParse(json, out long whole, out var length) && length == json.Length ? Math.Max(whole, 0)
        : double.TryParse(json, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? (long)Math.Clamp(number, 0, 1L << 62)
        : 0;
}
