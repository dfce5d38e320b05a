using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>
/// Picks out of Bedrock's trace which filters found something (spec/newest.md; which members each list gives was
/// measured on 2.1.332). Only what is listed here is ever read: texts that were matched, patterns and the model's
/// output stay where they are. Whatever has another shape finds nothing. Of a repeated member the last one counts.
/// Linear in the trace, whatever its depth.
/// </summary>
internal static class GuardrailAssessments
{
    /// <summary>No name of Bedrock's comes near; a word of an audit line is no place for a document.</summary>
    private const int MaxText = 1024;

    private const int Action = 0, Name = 1, Type = 2, Confidence = 3, FilterStrength = 4, Score = 5, Threshold = 6;

    private static readonly byte[][] Words =
    [
        "action"u8.ToArray(), "name"u8.ToArray(), "type"u8.ToArray(), "confidence"u8.ToArray(),
        "filterStrength"u8.ToArray(), "score"u8.ToArray(), "threshold"u8.ToArray(),
    ];

    private static readonly AssessedList[] Lists =
    [
        new("topicPolicy", "topics", Action, Name, Type),
        new("contentPolicy", "filters", Action, Type, Confidence, FilterStrength),
        new("wordPolicy", "customWords", Action),
        new("wordPolicy", "managedWordLists", Action, Type),
        new("sensitiveInformationPolicy", "piiEntities", Action, Type),
        new("sensitiveInformationPolicy", "regexes", Action, Name),
        new("contextualGroundingPolicy", "filters", Action, Type, Score, Threshold),
    ];

    /// <param name="trace">The value of <c>amazon-bedrock-trace</c>, checked.</param>
    /// <param name="into">Told each filter.</param>
    public static void Read(ReadOnlySpan<byte> trace, GuardrailTrace into)
    {
        var guardrail = Member(trace, "guardrail"u8);
        ReadGuardrails("input", Member(guardrail, "input"u8), into);
        var outputs = new Elements(Member(guardrail, "outputs"u8));
        while (outputs.MoveNext())
        {
            ReadGuardrails("output", outputs.Current, into);
        }
    }

    public static string Shorten(string text) => text.Length <= MaxText ? text : text[..MaxText] + "…";

    /// <param name="assessments">An object: assessments by guardrail.</param>
    private static void ReadGuardrails(string side, ReadOnlySpan<byte> assessments, GuardrailTrace into)
    {
        if (assessments.IsEmpty)
        {
            return;
        }

        var byGuardrail = new OrderedDictionary<string, Range>(StringComparer.Ordinal);
        var members = new TopLevelMembers(assessments);
        while (members.MoveNext())
        {
            var guardrail = members.ReadName();
            members.ReadValue();
            byGuardrail[guardrail] = members.ValueStart..members.ValueEnd;
        }

        foreach (var (guardrail, range) in byGuardrail)
        {
            ReadAssessment(side, Shorten(guardrail), assessments[range], into);
        }
    }

    private static void ReadAssessment(
        string side, string guardrail, ReadOnlySpan<byte> assessment, GuardrailTrace into)
    {
        foreach (var list in Lists)
        {
            var entries = new Elements(Member(Member(assessment, list.Policy), list.Name));
            while (entries.MoveNext())
            {
                if (ReadWords(list, entries.Current) is { } words)
                {
                    into.Add(new GuardrailFilter(side, guardrail, list.Path)
                    {
                        Action = words[Action],
                        Name = words[Name],
                        Type = words[Type],
                        Confidence = words[Confidence],
                        FilterStrength = words[FilterStrength],
                        Score = words[Score],
                        Threshold = words[Threshold],
                    });
                }
            }
        }
    }

    /// <returns>Null for what is no object, or says that it was not detected: Bedrock lists what it looked for,
    /// too.</returns>
    private static GuardrailWord?[]? ReadWords(AssessedList list, ReadOnlySpan<byte> entry)
    {
        var members = new TopLevelMembers(entry);
        if (!members.IsObject)
        {
            return null;
        }

        var words = new GuardrailWord?[Words.Length];
        var isDetected = true;
        while (members.MoveNext())
        {
            var isVerdict = members.NameIs("detected"u8);
            var word = list.Find(in members);
            var kind = members.ReadValue();
            if (isVerdict)
            {
                isDetected = kind != JsonTokenType.False;
            }
            else if (word >= 0)
            {
                words[word] = Word(kind, in members, entry);
            }
        }

        return isDetected ? words : null;
    }

    /// <summary>A text or a number whichever is expected; null for any other value.</summary>
    private static GuardrailWord? Word(JsonTokenType kind, ref readonly TopLevelMembers value,
        ReadOnlySpan<byte> entry) => kind switch
        {
            JsonTokenType.String => new GuardrailWord(Shorten(value.ReadString()), IsNumber: false),
            JsonTokenType.Number =>
                new GuardrailWord(
                    JavaScriptNumber.Print(
                        double.Parse(entry[value.ValueStart..value.ValueEnd], CultureInfo.InvariantCulture)),
                    IsNumber: true),
            _ => null,
        };

    /// <summary>The value of an object's member; empty without one.</summary>
    private static ReadOnlySpan<byte> Member(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        if (json.IsEmpty)
        {
            return default;
        }

        ReadOnlySpan<byte> value = default;
        var members = new TopLevelMembers(json);
        while (members.MoveNext())
        {
            var isIt = members.NameIs(name);
            members.ReadValue();
            value = isIt ? json[members.ValueStart..members.ValueEnd] : value;
        }

        return value;
    }

    /// <summary>One list of an assessment.</summary>
    /// <param name="copied">The words that are read of its entries.</param>
    private sealed class AssessedList(string policy, string name, params int[] copied)
    {
        private readonly byte[] _policy = Encoding.UTF8.GetBytes(policy);
        private readonly byte[] _name = Encoding.UTF8.GetBytes(name);

        public ReadOnlySpan<byte> Policy => _policy;

        public ReadOnlySpan<byte> Name => _name;

        public string Path { get; } = $"{policy}.{name}";

        /// <summary>The word the current member is; -1 for any other.</summary>
        public int Find(ref readonly TopLevelMembers members)
        {
            foreach (var word in copied)
            {
                if (members.NameIs(Words[word]))
                {
                    return word;
                }
            }

            return -1;
        }
    }

    /// <summary>Walks the elements of a list; any other value, or none, has none.</summary>
    private ref struct Elements
    {
        private readonly ReadOnlySpan<byte> _json;
        private readonly bool _isList;
        private Utf8JsonReader _reader;

        public Elements(ReadOnlySpan<byte> json)
        {
            _json = json;
            _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
            _isList = !json.IsEmpty && _reader.Read() && _reader.TokenType == JsonTokenType.StartArray;
        }

        public ReadOnlySpan<byte> Current { get; private set; }

        public bool MoveNext()
        {
            if (!_isList || !_reader.Read() || _reader.TokenType == JsonTokenType.EndArray)
            {
                return false;
            }

            var start = (int)_reader.TokenStartIndex;
            _reader.Skip();
            Current = _json[start..(int)_reader.BytesConsumed];
            return true;
        }
    }
}
