using System.Buffers;
using System.Text;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Json;
using ClaudeGateway.Upstreams.Bedrock;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Upstreams.Bedrock;

/// <summary>What is read was measured on 2.1.332 with the same shapes.</summary>
public sealed class GuardrailTraceTests
{
    private const string Blocked = """{"name":"a","action":"B"}""";

    /// <summary>Every member in every list: each list gives its own.</summary>
    [Theory]
    [InlineData("topicPolicy", "topics", "action=A name=N type=T")]
    [InlineData("contentPolicy", "filters", "action=A type=T confidence=C filterStrength=F")]
    [InlineData("wordPolicy", "customWords", "action=A")]
    [InlineData("wordPolicy", "managedWordLists", "action=A type=T")]
    [InlineData("sensitiveInformationPolicy", "piiEntities", "action=A type=T")]
    [InlineData("sensitiveInformationPolicy", "regexes", "action=A name=N")]
    [InlineData("contextualGroundingPolicy", "filters", "action=A type=T score=0.5 threshold=1")]
    public void Each_list_gives_its_own_words_and_no_matched_text(string policy, string list, string words)
    {
        const string entry =
            """{"threshold":1.0,"score":0.50,"filterStrength":"F","confidence":"C","type":"T","name":"N","action":"A","match":"secret","regex":"secret","detected":true}""";
        var trace = Read(Input($"{{\"{policy}\":{{\"{list}\":[{entry}]}}}}"));
        Assert.Equal($"input gr1 {policy}.{list} {words}", Text(trace));
    }

    [Theory]
    [InlineData("""{"name":"a","action":"B","detected":false}""", "")]
    [InlineData("""{"name":"a","action":"B","detected":true,"detected":false}""", "")]
    [InlineData("""{"name":"a","action":"B","detected":false,"detected":true}""", "action=B name=a")]
    [InlineData("""{"name":"a","action":"B","detected":null}""", "action=B name=a")]
    [InlineData("""{"name":"a","action":"B","detected":"false"}""", "action=B name=a")]
    [InlineData("""{"name":"a","action":"B","detected":0}""", "action=B name=a")]
    [InlineData("""{"name":"a","action":"NONE"}""", "action=NONE name=a")]
    [InlineData("""{"name":5,"action":-0,"type":1e-7}""", "action=0 name=5 type=1e-7")]
    [InlineData("""{"name":12345678901234567890,"action":1e400}""", "action=null name=12345678901234567000")]
    [InlineData("""{"name":null,"action":{},"type":[1]}""", "")]
    [InlineData("""{"name":true,"action":""}""", "action=")]
    [InlineData("""{"name":"a","name":5}""", "name=5")]
    [InlineData("""{"n\u0061me":"\u0061"}""", "name=a")]
    [InlineData("""{"\ud800":1,"name":"\ud800","action":"B"}""", """action=B name=\ud800""")]
    public void A_word_is_a_text_or_a_number_and_the_last_of_its_name(string entry, string words)
    {
        var isFound = !entry.Contains("\"detected\":false}", StringComparison.Ordinal);
        Assert.Equal(isFound ? $"input gr1 topicPolicy.topics {words}".TrimEnd() : "",
            Text(Read(Topics($"[{entry}]"))));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"x\"")]
    [InlineData("7")]
    [InlineData("false")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("[null,5,\"x\",[{\"name\":\"a\",\"action\":\"B\"}],true]")]
    [InlineData("{\"0\":{\"name\":\"a\",\"action\":\"B\"},\"length\":1}")]
    public void Another_shape_anywhere_finds_nothing(string odd)
    {
        string[] places =
        [
            odd,
            Put("""{"guardrail":#}""", odd),
            Put("""{"guardrail":{"input":#}}""", odd),
            Put("""{"guardrail":{"outputs":#}}""", odd),
            Put("""{"guardrail":{"outputs":[#]}}""", odd),
            Put("""{"guardrail":{"input":{"gr1":#}}}""", odd),
            Put("""{"guardrail":{"input":{"gr1":{"topicPolicy":#}}}}""", odd),
            Put("""{"guardrail":{"input":{"gr1":{"topicPolicy":{"topics":#}}}}}""", odd),
        ];
        foreach (var place in places)
        {
            var trace = new GuardrailTrace();
            Assert.Equal("""{"a":1}""", Take(trace, Put("""{"a":1,"amazon-bedrock-trace":#}""", place)));
            Assert.Equal((false, null, 0), (trace.IsWorthTelling, trace.Action, trace.Filters.Count));
        }
    }

    [Theory]
    [InlineData("""{"guardrail":{"input":[{"gr1":{"topicPolicy":{"topics":[{"name":"a"}]}}}]}}""")]
    [InlineData("""{"guardrail":{"outputs":{"gr1":{"topicPolicy":{"topics":[{"name":"a"}]}}}}}""")]
    [InlineData("""{"guardrail":{"output":[{"gr1":{"topicPolicy":{"topics":[{"name":"a"}]}}}]}}""")]
    [InlineData("""{"guardrail":[{"input":{"gr1":{"topicPolicy":{"topics":[{"name":"a"}]}}}}]}""")]
    [InlineData(
        """{"guardrail":{"input":{"gr1":{"TopicPolicy":{"topics":[{"name":"a"}]},"topicPolicy":{"filters":[{"name":"a"}]},"automatedReasoningPolicy":{"findings":[{"name":"a"}]}}}}}""")]
    public void A_filter_in_another_place_is_none(string trace) =>
        Assert.Equal("", Text(Read($"\"amazon-bedrock-trace\":{trace}")));

    [Fact]
    public void Input_comes_before_output_and_policies_in_their_own_order()
    {
        var trace = Read("""
            "amazon-bedrock-trace":{"guardrail":{
              "outputs":[{"gr1":{"topicPolicy":{"topics":[{"name":"o1"}]}}},null,{"gr2":{"topicPolicy":{"topics":[{"name":"o2"}]}}}],
              "input":{"b":{"contentPolicy":{"filters":[{"type":"i2"}]},"topicPolicy":{"topics":[{"name":"i1"}]}},"a":{"topicPolicy":{"topics":[{"name":"i3"}]}},"b":{"topicPolicy":{"topics":[{"name":"i4"}]}}},
              "modelOutput":["secret"]}}
            """);
        Assert.Equal("""
            input b topicPolicy.topics name=i4
            input a topicPolicy.topics name=i3
            output gr1 topicPolicy.topics name=o1
            output gr2 topicPolicy.topics name=o2
            """, Text(trace), ignoreLineEndingDifferences: true);
    }

    [Theory]
    [InlineData("\"INTERVENED\"", "INTERVENED", true)]
    [InlineData("\"intervened\"", "intervened", false)]
    [InlineData("\"NONE\"", "NONE", false)]
    [InlineData("[\"INTERVENED\"]", null, false)]
    [InlineData("5", null, false)]
    [InlineData("\"INTERVENED\",\"amazon-bedrock-guardrailAction\":\"NONE\"", "NONE", false)]
    public void The_action_stays_in_the_answer_and_tells_by_itself_only_when_it_is_INTERVENED(
        string value, string? action, bool isWorthTelling)
    {
        var trace = new GuardrailTrace();
        var answer = Put("""{"amazon-bedrock-guardrailAction":#}""", value);
        Assert.Equal(answer, Take(trace, answer));
        Assert.Equal((action, isWorthTelling), (trace.Action, trace.IsWorthTelling));
    }

    [Theory]
    [InlineData("{ #,\n \"n\" : 1.0 ,\"u\":\"\\u00e9 😀\"} ", "{ \"n\" : 1.0 ,\"u\":\"\\u00e9 😀\"} ")]
    [InlineData("{\"n\":1.0 , # , \"d\":{#},\"d\":null}", "{\"n\":1.0 , \"d\":{#},\"d\":null}")]
    [InlineData("{\"n\":-0.0,#,#}", "{\"n\":-0.0}")]
    [InlineData("{#}", "{}")]
    [InlineData(
        "{\"x\":\"amazon-bedrock-trace\",\"Amazon-Bedrock-Trace\":{}}",
        "{\"x\":\"amazon-bedrock-trace\",\"Amazon-Bedrock-Trace\":{}}")]
    public void Every_byte_but_the_trace_stays(string answer, string left)
    {
        var trace = Topics($"[{Blocked}]");
        Assert.Equal(Put(left, trace), Take(new GuardrailTrace(), Put(answer, trace)));
        Assert.Equal(
            Put(left, trace),
            Encoding.UTF8.GetString(new GuardrailTrace().Take(Encoding.UTF8.GetBytes(Put(answer, trace)).AsSpan())));
    }

    [Fact]
    public void A_trace_whose_name_is_spelled_with_escapes_is_taken_out_too()
    {
        var trace = new GuardrailTrace();
        Assert.Equal(
            """{"a":1}""",
            Take(
                trace,
                """{"a":1,"\u0061mazon\u002dbedrock-trace":{"guardrail":{"input":{"gr1":{"topicPolicy":{"topics":[{"name":"a"}]}}}}}}"""));
        Assert.Single(trace.Filters);
    }

    [Fact]
    public void Events_of_a_stream_give_one_list_without_repeats()
    {
        var trace = new GuardrailTrace();
        foreach (var entries in (string[])[
            """{"name":"a"}""", """{"name":"a"},{"name":"b"}""", """{"name":"b"},{"name":"b"}"""])
        {
            Take(trace, "{" + Topics($"[{entries}]") + "}");
        }

        Assert.Equal(["a", "b"], trace.Filters.Select(filter => filter.Name?.Text));
    }

    [Fact]
    public void Equal_filters_are_one_and_a_number_is_no_text() =>
        Assert.Equal(
            "input gr1 wordPolicy.customWords action=5\ninput gr1 wordPolicy.customWords action=B\ninput gr1 "
                + "wordPolicy.customWords action=5",
            Text(
                Read(
                    Input(
                        """{"wordPolicy":{"customWords":[{"match":"x","action":5},{"match":"x","action":"B"},{"match":"y","action":"B"},{"action":"5"},{"action":5.0}]}}"""))));

    [Fact]
    public void Once_intervened_stays_intervened()
    {
        var trace = new GuardrailTrace();
        Take(trace, """{"amazon-bedrock-guardrailAction":"INTERVENED"}""");
        Take(trace, """{"amazon-bedrock-guardrailAction":"NONE"}""");
        Assert.Equal("INTERVENED", trace.Action);
    }

    [Fact]
    public void Filters_and_words_are_bounded()
    {
        var trace = Read(
            Topics(
                "["
                + string.Join(
                    ',', Enumerable.Range(0, 3000).Select(i => $"{{\"name\":\"{i}{new string('x', 5000)}\"}}")) + "]"));
        Assert.Equal(
            (GuardrailTrace.MaxFilters, 3000 - GuardrailTrace.MaxFilters), (trace.Filters.Count, trace.Dropped));
        Assert.All(trace.Filters, filter => Assert.True(filter.Name?.Text.Length < 1100));
    }

    [Fact]
    public void Depth_is_no_error()
    {
        var deep = new string('[', 100_000) + new string(']', 100_000);
        var trace = new GuardrailTrace();
        Assert.Equal(
            "{}",
            Take(
                trace,
                Put(
                    """{"amazon-bedrock-trace":{"x":#,"guardrail":{"input":{"y":#,"gr1":{"topicPolicy":{"topics":[#,{"name":"a"}]}}}}}}""",
                    deep)));
        Assert.Single(trace.Filters);
    }

    /// <summary>Any JSON in any place: nothing is thrown, what is left is what stood there.</summary>
    [Fact]
    public void Whatever_stands_in_a_trace_is_read_over() => Prop.ForAll(JsonTexts.Objects, odd =>
    {
        foreach (var place in (string[])[
            odd,
            Put("""{"guardrail":#}""", odd),
            Put("""{"guardrail":{"input":#,"outputs":[#]}}""", odd),
            Put("""{"guardrail":{"input":{"g":#,"h":{"topicPolicy":#,"wordPolicy":{"customWords":[#]}}}}}""", odd)])
        {
            var trace = new GuardrailTrace();
            Assert.Equal("""{"a":1.0,"b":2}""",
                Take(trace, Put("""{"a":1.0,"amazon-bedrock-trace":#,"b":2}""", place)));
            Assert.Equal(place.Contains("customWords", StringComparison.Ordinal) ? 1 : 0, trace.Filters.Count);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Events_reach_the_client_without_their_trace_and_otherwise_as_they_came()
    {
        string[] plain = [
            """{"type": "message_start", "message": {"n": 1.0}}""",
            """{"type":"content_block_delta","delta":{"text":"amazon-bedrock-trace \u00e9"}}""",
            """{"type":"message_stop","amazon-bedrock-guardrailAction":"INTERVENED"}"""];
        var topics = Topics($"[{Blocked}]");
        byte[][] frames =
        [
            EventStreamFrames.Chunk("{" + topics + "," + plain[0][1..]),
            EventStreamFrames.Chunk(
                Put("""{"type":"ping",#}""", topics.Replace("\"a\"", "\"ping\"", StringComparison.Ordinal))),
            .. plain[1..].Select(json => EventStreamFrames.Chunk(json[..^1] + "," + topics + "}")),
        ];
        var trace = new GuardrailTrace();
        var seen = Translate(new BedrockTranslator([], trace), frames);

        Assert.Equal(Translate(new BedrockTranslator([]), plain.Select(EventStreamFrames.Chunk)), seen);
        Assert.Equal(("INTERVENED", "input gr1 topicPolicy.topics action=B name=a"), (trace.Action, Text(trace)));
    }

    [Fact]
    public void Nobody_asked_and_the_trace_stays() =>
        Assert.Contains(
            "amazon-bedrock-trace",
            Translate(
                new BedrockTranslator([]),
                [EventStreamFrames.Chunk("{\"type\":\"message_stop\"," + Topics("[]") + "}")]),
            StringComparison.Ordinal);

    private static string Put(string template, string value) => template.Replace("#", value, StringComparison.Ordinal);

    private static string Input(string assessment) => Put("""
        "amazon-bedrock-trace":{"guardrail":{"input":{"gr1":#}}}
        """, assessment);

    private static string Topics(string topics) => Input(Put("""{"topicPolicy":{"topics":#}}""", topics));

    private static GuardrailTrace Read(string members)
    {
        var trace = new GuardrailTrace();
        Assert.Equal("{}", Take(trace, "{" + members + "}"));
        return trace;
    }

    private static string Take(GuardrailTrace trace, string json) =>
        Encoding.UTF8.GetString(trace.Take(Encoding.UTF8.GetBytes(json).AsMemory()).Span);

    private static string Text(GuardrailTrace trace) => string.Join('\n', trace.Filters.Select(Text));

    private static string Text(GuardrailFilter filter)
    {
        (string Name, GuardrailWord? Word)[] words =
        [
            ("action", filter.Action), ("name", filter.Name), ("type", filter.Type), ("confidence", filter.Confidence),
            ("filterStrength", filter.FilterStrength), ("score", filter.Score), ("threshold", filter.Threshold),
        ];
        return string.Join(
            ' ',
            [
                filter.Side,
                filter.Guardrail,
                filter.Policy,
                .. words.Where(word => word.Word is not null).Select(word => $"{word.Name}={word.Word!.Value.Text}")]);
    }

    private static string Translate(BedrockTranslator translator, IEnumerable<byte[]> frames)
    {
        var events = new ArrayBufferWriter<byte>();
        foreach (var frame in frames)
        {
            Assert.Null(translator.Translate(frame, events));
        }

        return Encoding.UTF8.GetString(events.WrittenSpan);
    }
}
