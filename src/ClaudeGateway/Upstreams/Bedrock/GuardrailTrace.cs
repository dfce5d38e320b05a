using System.Buffers;
using ClaudeGateway.Json;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>
/// What one answer of Bedrock tells of its guardrail (<c>guardrail_trace</c>, spec/newest.md). The trace is taken out
/// of what the client is given: it quotes what was matched and the model's own words before they were changed. A stream
/// can hold several; what they found is one list. Not thread-safe; one per answer.
/// </summary>
internal sealed class GuardrailTrace
{
    /// <summary>A line of the audit stays readable: a document full of addresses has thousands.</summary>
    public const int MaxFilters = 256;

    private const string Intervened = "INTERVENED";

    private readonly List<GuardrailFilter> _filters = [];
    private readonly HashSet<GuardrailFilter> _known = [];

    /// <summary>As the answer says it, INTERVENED once it has been said; null when it is not said.</summary>
    public string? Action { get; private set; }

    /// <summary>
    /// In the order in which they were found; equal ones once (measured on 2.1.332): two words found are one filter
    /// that matched.
    /// </summary>
    public IReadOnlyList<GuardrailFilter> Filters => _filters;

    /// <summary>How many entries were beyond <see cref="MaxFilters"/>.</summary>
    public int Dropped { get; private set; }

    /// <summary>Whether the guardrail did anything: a trace alone comes with every answer.</summary>
    public bool IsWorthTelling => Action == Intervened || _filters.Count > 0;

    /// <summary>
    /// Reads an answer or the data of an event and gives it without its trace, every other byte as it came.
    /// </summary>
    /// <param name="json">A JSON object that has been checked.</param>
    public ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> json) => Read(json.Span) ? WithoutTrace(json) : json;

    /// <inheritdoc cref="Take(ReadOnlyMemory{byte})"/>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> json) => Read(json) ? WithoutTrace(json.ToArray()).Span : json;

    /// <summary>Adds what the trace being read has found.</summary>
    public void Add(GuardrailFilter filter)
    {
        if (_known.Contains(filter))
        {
            return;
        }

        if (_filters.Count == MaxFilters)
        {
            Dropped++;
            return;
        }

        _known.Add(filter);
        _filters.Add(filter);
    }

    /// <summary>
    /// Whether a name that begins with <c>amazon-bedrock-</c> can be there: as it is, or spelled with escapes.
    /// </summary>
    private static bool MayTell(ReadOnlySpan<byte> json) =>
        json.IndexOf("amazon-bedrock-"u8) >= 0 || json.IndexOf("\\u"u8) >= 0;

    /// <returns>Whether there is a trace.</returns>
    private bool Read(ReadOnlySpan<byte> json)
    {
        if (!MayTell(json))
        {
            return false;
        }

        ReadOnlySpan<byte> trace = default;
        string? action = null;
        var members = new TopLevelMembers(json);
        while (members.MoveNext())
        {
            var isTrace = members.NameIs("amazon-bedrock-trace"u8);
            var isAction = members.NameIs("amazon-bedrock-guardrailAction"u8);
            var kind = members.ReadValue();
            if (isTrace)
            {
                trace = json[members.ValueStart..members.ValueEnd];
            }
            else if (isAction)
            {
                action = kind == System.Text.Json.JsonTokenType.String
                    ? GuardrailAssessments.Shorten(members.ReadString())
                    : null;
            }
        }

        Action = Action == Intervened ? Action : action ?? Action;
        if (trace.IsEmpty)
        {
            return false;
        }

        GuardrailAssessments.Read(trace, this);
        return true;
    }

    private static ReadOnlyMemory<byte> WithoutTrace(ReadOnlyMemory<byte> json)
    {
        var rest = new ArrayBufferWriter<byte>(json.Length);
        foreach (var piece in new JsonEdit(json).Remove("amazon-bedrock-trace"u8).Apply())
        {
            rest.Write(piece.Span);
        }

        return rest.WrittenMemory;
    }
}
