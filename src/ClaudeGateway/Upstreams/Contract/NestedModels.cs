using System.Buffers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Models;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>
/// The models a request names below its own <c>model</c>: <c>fallbacks[].model</c>, an advisor tool's, one in a tool
/// that a message adds, and whatever the API thinks of next. Any member <c>model</c> at any depth is one, so that no
/// new member leads around a policy (measured on 2.1.332), except where a tool's own arguments, a schema or history may
/// use the word. Proxies before the API know further ways to name one, which count too: in any letter case, and as bare
/// strings in the body's own lists (<c>fallbacks</c>, <c>models</c>). Reads along while <see cref="MessagesRequest"/>
/// walks the body. Of members that appear twice each counts, since an upstream may read either one.
/// </summary>
/// <param name="refusalOf">Why this developer may not have a model; null when he may.</param>
internal sealed class NestedModels(Func<string, string?> refusalOf)
{
    /// <summary>Measured on 2.1.332, as <see cref="MaxLevels"/>; the body's own object is the first level.</summary>
    public const int MaxModels = 100;
    public const int MaxLevels = 1000;

    /// <summary>
    /// Models that turn out to be history are judged before that is known: a body may not consist of them.
    /// </summary>
    private const int MaxJudged = 10_000;

    private const int None = -1;

    /// <summary>Of a known member, e.g. <c>classifier_context</c>; an escaped character is six bytes.</summary>
    private const int LongestName = 18;
    private const int LongestEscape = 6;
    private const string ByGateway = "refused by this gateway: ";

    /// <summary>The open objects and arrays, by their depth; the body itself, at 0, takes no part.</summary>
    private Level[] _levels = new Level[16];
    private int _inEcho = None;
    private int _models;
    private int _judged;
    private Problem? _first;

    /// <summary>What the client is told, the member named first; null when nothing is wrong.</summary>
    /// <param name="body">The body that was read.</param>
    public string? Refusal(ReadOnlySpan<byte> body) =>
        _first is { } problem
        ? $"{QuotedModel.Of(JsonValuePath.To(body, problem.Position))}: {problem.Sentence}"
        : null;

    /// <summary>
    /// Reads over the value of a member of the body, whose name the reader stands on, and gives the value's kind.
    /// </summary>
    /// <param name="start">The value's first byte.</param>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public JsonTokenType ReadValue(ref Utf8JsonReader json, out int start)
    {
        var bottom = json.CurrentDepth;
        var name = NameOf(in json);
        json.Read();
        start = (int)json.TokenStartIndex;
        var kind = json.TokenType;
        if (Look(ref json, name, owner: 0))
        {
            while (json.Read() && !(IsEnd(json.TokenType) && json.CurrentDepth == bottom))
            {
                ReadToken(ref json);
            }

            Close(bottom);
        }

        return kind;
    }

    private void ReadToken(ref Utf8JsonReader json)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.PropertyName:
                var (name, owner) = (NameOf(in json), json.CurrentDepth - 1);
                LeaveEcho(owner);
                json.Read();
                Look(ref json, name, owner);
                break;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                Open(ref json);
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                Close(json.CurrentDepth);
                break;
            case JsonTokenType.String when _levels[json.CurrentDepth - 1].IsModelList:
                JudgeText(in json);
                break;
        }
    }

    private static bool IsEnd(JsonTokenType kind) => kind is JsonTokenType.EndObject or JsonTokenType.EndArray;

    /// <summary>
    /// The reader stands on a value; goes over one that needs no look. True when an object or array is open now.
    /// </summary>
    /// <param name="owner">The depth of the object whose member this is.</param>
    private bool Look(ref Utf8JsonReader json, MemberName name, int owner)
    {
        switch (name)
        {
            case MemberName.Opaque:
                json.Skip();
                return false;
            case MemberName.Model:
                JudgeModel(in json);
                break;
            case MemberName.FallbackModel when owner == 0 && json.TokenType == JsonTokenType.String:
                JudgeText(in json);
                break;
            case MemberName.FallbackModel or MemberName.ModelList
                when owner == 0 && json.TokenType == JsonTokenType.StartArray:
                return OpenList(ref json);
            case MemberName.Type when owner > 0:
                _levels[owner].SawType(json.TokenType == JsonTokenType.String && json.TextIs("fallback"u8));
                break;
            case MemberName.Echo when owner > 0:
                EnterEcho(owner);
                break;
        }

        return json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && Open(ref json);
    }

    private void JudgeModel(in Utf8JsonReader json)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.String:
                JudgeText(in json);
                break;
            case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.StartArray:
                Report(in json, ByGateway + "`model` must be a string");
                break;
        }
    }

    private void JudgeText(in Utf8JsonReader json)
    {
        if (++_models > MaxModels)
        {
            Report(in json, $"{ByGateway}the request names more than {MaxModels} models in `model` fields");
        }
        else if (_judged++ == MaxJudged)
        {
            _first ??= new Problem((int)json.TokenStartIndex, ByGateway + "the request names too many models");
        }
        else if (_judged <= MaxJudged && refusalOf(JsonNames.ReadText(in json)) is { } refusal)
        {
            Report(in json, refusal);
        }
    }

    private void Report(in Utf8JsonReader json, string sentence)
    {
        ref var place = ref Place();
        place ??= new Problem((int)json.TokenStartIndex, sentence);
    }

    /// <summary>
    /// Where what is found now belongs: to the innermost object that may prove to be history, else to the request.
    /// </summary>
    private ref Problem? Place()
    {
        if (_inEcho == None)
        {
            return ref _first;
        }

        return ref _levels[_inEcho].Held;
    }

    /// <summary>A list whose strings are models.</summary>
    private bool OpenList(ref Utf8JsonReader json)
    {
        if (!Open(ref json))
        {
            return false;
        }

        _levels[json.CurrentDepth].IsModelList = true;
        return true;
    }

    private bool Open(ref Utf8JsonReader json)
    {
        var depth = json.CurrentDepth;
        if (depth >= MaxLevels)
        {
            Report(in json, $"{ByGateway}the request JSON is nested more than {MaxLevels:#,0} levels deep");
            json.Skip();
            return false;
        }

        if (depth >= _levels.Length)
        {
            Array.Resize(ref _levels, depth * 2);
        }

        _levels[depth] = default;
        return true;
    }

    /// <summary>
    /// An object ends. One of type <c>fallback</c> told of an earlier turn, so that its <c>from</c> and <c>to</c> run
    /// nothing; in any other what stands there counts.
    /// </summary>
    private void Close(int depth)
    {
        LeaveEcho(depth);
        ref var level = ref _levels[depth];
        if (level.IsFallback)
        {
            _models -= level.HeldModels;
        }
        else if (level.Held is { } held)
        {
            ref var place = ref Place();
            place = place is { } other && other.Position < held.Position ? other : held;
        }
    }

    private void EnterEcho(int depth)
    {
        ref var level = ref _levels[depth];
        level.IsInEcho = true;
        level.OuterEcho = _inEcho;
        level.ModelsBefore = _models;
        _inEcho = depth;
    }

    private void LeaveEcho(int depth)
    {
        ref var level = ref _levels[depth];
        if (level.IsInEcho)
        {
            level.IsInEcho = false;
            level.HeldModels += _models - level.ModelsBefore;
            _inEcho = level.OuterEcho;
        }
    }

    private static MemberName NameOf(in Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return NameOf(json.ValueSpan);
        }

        // Longer spellings of a known name have no room here; what is no Unicode is no known name.
        Span<byte> name = stackalloc byte[LongestName];
        return json.ValueSpan.Length <= LongestName * LongestEscape
            && Ascii.FromUtf16(JsonNames.ReadText(in json), name, out var length) == OperationStatus.Done
            ? NameOf(name[..length])
            : MemberName.Other;
    }

    /// <summary>
    /// What runs a model is known in any letter case, as some proxies read names; what is passed over only in its own.
    /// </summary>
    private static MemberName NameOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("to"u8) => MemberName.Echo,
        4 when name.SequenceEqual("type"u8) => MemberName.Type,
        4 when name.SequenceEqual("from"u8) => MemberName.Echo,
        4 when name.SequenceEqual("tags"u8) => MemberName.Opaque,
        5 when Ascii.EqualsIgnoreCase(name, "model"u8) => MemberName.Model,
        5 when name.SequenceEqual("input"u8) => MemberName.Opaque,
        6 when name.SequenceEqual("schema"u8) => MemberName.Opaque,
        6 when Ascii.EqualsIgnoreCase(name, "models"u8) => MemberName.ModelList,
        9 when Ascii.EqualsIgnoreCase(name, "fallbacks"u8) => MemberName.ModelList,
        12 when name.SequenceEqual("input_schema"u8) => MemberName.Opaque,
        13 when name.SequenceEqual("output_schema"u8) => MemberName.Opaque,
        14 when name.SequenceEqual("input_examples"u8) => MemberName.Opaque,
        14 when Ascii.EqualsIgnoreCase(name, "fallback_model"u8) => MemberName.FallbackModel,
        15 when Ascii.EqualsIgnoreCase(name, "fallback_models"u8) => MemberName.FallbackModel,
        18 when name.SequenceEqual("classifier_context"u8) => MemberName.Opaque,
        _ => MemberName.Other,
    };

    private enum MemberName
    {
        Other,
        Model,

        /// <summary>Not of the API, but of gateways before it; only in the body itself.</summary>
        FallbackModel,

        /// <summary><c>fallbacks</c> and <c>models</c> of the body itself, in which gateways take bare names.</summary>
        ModelList,
        Type,

        /// <summary>
        /// <c>from</c> and <c>to</c>, which tell of an earlier turn in an object of type <c>fallback</c>.
        /// </summary>
        Echo,

        /// <summary>
        /// Arguments, examples and schemas of tools, tags, and what a classifier is told: data in which the word means
        /// nothing to an upstream.
        /// </summary>
        Opaque,
    }

    /// <param name="Position">The first byte of the value that is wrong.</param>
    private sealed record Problem(int Position, string Sentence);

    /// <summary>An open object or array.</summary>
    private struct Level
    {
        private int _types;
        private bool _isFallback;

        public bool IsInEcho;

        /// <summary>Whether the array's strings are models.</summary>
        public bool IsModelList;
        public int OuterEcho;
        public int ModelsBefore;
        public int HeldModels;
        public Problem? Held;

        /// <summary>An object with two types is whatever an upstream takes it for.</summary>
        public readonly bool IsFallback => _isFallback && _types == 1;

        public void SawType(bool isFallback)
        {
            _types++;
            _isFallback = isFallback;
        }
    }
}
