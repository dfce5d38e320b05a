using System.Globalization;
using System.Text;
using ClaudeGateway.Tests.Json;
using ClaudeGateway.Upstreams.Contract;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class NestedModelsTests
{
    private const string Bad = """{"model":"bad"}""";

    [Theory]
    [InlineData("""{"fallbacks":[{"model":"bad"}]}""", "fallbacks.0.model")]
    [InlineData("""{"fallbacks":[{"model":"good"},{"max_tokens":5,"model":"bad"}]}""", "fallbacks.1.model")]
    [InlineData("""{"fallbacks":{"model":"bad"}}""", "fallbacks.model")]
    [InlineData("""{"fallbacks":["good","bad"]}""", "fallbacks.1")]
    [InlineData("""{"Fallbacks":[{"Model":"bad"}]}""", "Fallbacks.0.Model")]
    [InlineData("""{"models":["bad"]}""", "models.0")]
    [InlineData("""{"fallback_model":["bad"]}""", "fallback_model.0")]
    [InlineData("""{"fallback_models":"bad"}""", "fallback_models")]
    [InlineData("""{"Model":"bad"}""", "Model")]
    [InlineData("""{"MOD\u0045L":"bad"}""", "MODEL")]
    [InlineData("""{"FALLBACK_MODEL":"bad"}""", "FALLBACK_MODEL")]
    [InlineData("""{"fallbacks":[[{"model":"bad"}]]}""", "fallbacks.0.0.model")]
    [InlineData("""{"fallbacks":[{"model":"good","fallbacks":[{"model":"bad"}]}]}""", "fallbacks.0.fallbacks.0.model")]
    [InlineData("""{"fallback_model":"bad"}""", "fallback_model")]
    [InlineData("""{"fallback_model":{"model":"bad"}}""", "fallback_model.model")]
    [InlineData(
        """{"tools":[{"name":"a"},{"type":"advisor_20260301","name":"advisor","model":"bad"}]}""", "tools.1.model")]
    [InlineData("""{"tools":[{"type":"mcp_toolset","tools":[{"model":"bad"}]}]}""", "tools.0.tools.0.model")]
    [InlineData("""{"tools":[{"model":{"x":{"model":"bad"}}}]}""", "tools.0.model.x.model")]
    [InlineData(
        """{"messages":[{"role":"system","content":[{"type":"tool_addition","tool":{"type":"tool_definition","definition":{"type":"advisor_20260301","model":"bad"}}}]}]}""",
        "messages.0.content.0.tool.definition.model")]
    [InlineData("""{"context_management":{"edits":[1,"x",{"model":"bad"}]}}""", "context_management.edits.2.model")]
    [InlineData("""{"stream":{"model":"bad"}}""", "stream.model")]
    [InlineData("""{"safeguards":[{"model":"bad"}]}""", "safeguards.0.model")]
    [InlineData("""{"a.b":{"":{"model":"bad"}}}""", "a.b..model")]
    public void A_model_the_policy_refuses_is_named_by_its_place(string body, string place) =>
        Assert.Equal($"{place}: no bad", Refusal(body));

    [Theory]
    [InlineData("""{"fallbacks":"default"}""")]
    [InlineData(
        """{"model_id":"bad","MODELS":"bad","x":{"models":["bad"],"fallbacks":["bad"],"fallback_models":["bad"]}}""")]
    [InlineData("""{"fallbacks":[{"stop_sequences":["bad"]},["good"],null,5]}""")]
    [InlineData("""{"tools":[{"INPUT":1,"input":{"Model":"bad"}}],"stop_sequences":["bad"]}""")]
    [InlineData("""{"fallbacks":[{"model":"good"},{"model":null},{"model":{"id":"bad"}},{"max_tokens":5}]}""")]
    [InlineData(
        """{"tools":[{"name":"a","input_schema":{"properties":{"model":"bad"},"default":{"model":"bad"}},"input_examples":[{"model":"bad"}]}]}""")]
    [InlineData(
        """{"messages":[{"role":"assistant","content":[{"type":"tool_use","name":"Agent","input":{"model":"bad","x":[{"model":5}]}}]}]}""")]
    [InlineData(
        """{"safeguards":[{"classifier_context":{"refused_calls":[{"model":"bad"}]}}],"x":{"tags":{"model":"bad"}}}""")]
    [InlineData("""{"output_config":{"format":{"schema":{"model":"bad"}}},"x":{"output_schema":{"model":"bad"}}}""")]
    [InlineData("""{"messages":[{"content":[{"type":"fallback","from":{"model":"bad"},"to":[{"model":"bad"}]}]}]}""")]
    [InlineData(
        """{"messages":[{"content":[{"to":{"model":5,"x":{"type":"a","from":{"model":"bad"}}},"from":{"model":"bad"},"t\u0079pe":"f\u0061llback"}]}]}""")]
    [InlineData("""{"x":"{\"model\":\"bad\"}","tags":{"model":"bad"}}""")]
    public void What_names_no_model_to_run_passes(string body) => Assert.Null(Refusal(body));

    [Theory]
    [InlineData("""{"f\u0061llbacks":[{"mod\u0065l":"b\u0061d"}]}""", "fallbacks.0.model: no bad")]
    [InlineData("""{"fallbacks":[{"model":"bad","model":"good"}]}""", "fallbacks.0.model: no bad")]
    [InlineData("""{"fallbacks":[{"model":"good","model":"bad"}]}""", "fallbacks.0.model: no bad")]
    [InlineData("""{"fallbacks":[{"model":"bad"}],"fallbacks":[]}""", "fallbacks.0.model: no bad")]
    [InlineData(
        """{"tools":[{"inpu\u0074":{}, "input_schemas":{"model":"bad"}}]}""", "tools.0.input_schemas.model: no bad")]
    [InlineData(
        """{"fallbacks":[{"model":["bad"]}]}""",
        "fallbacks.0.model: refused by this gateway: `model` must be a string")]
    [InlineData(
        """{"fallbacks":[{"model":5}]}""", "fallbacks.0.model: refused by this gateway: `model` must be a string")]
    [InlineData(
        """{"fallbacks":[{"model":true}]}""", "fallbacks.0.model: refused by this gateway: `model` must be a string")]
    [InlineData("""{"x":{"type":"fallback","model":"bad"}}""", "x.model: no bad")]
    [InlineData("""{"x":{"type":"fallback","y":{"from":{"model":"bad"}}}}""", "x.y.from.model: no bad")]
    [InlineData("""{"x":{"type":"fallback","from":{"model":"bad"},"type":"text"}}""", "x.from.model: no bad")]
    [InlineData("""{"x":{"type":"text","from":{"model":"bad"},"type":"fallback"}}""", "x.from.model: no bad")]
    [InlineData("""{"x":{"type":"FALLBACK","from":{"model":"bad"}}}""", "x.from.model: no bad")]
    [InlineData("""{"type":"fallback","from":{"model":"bad"}}""", "from.model: no bad")]
    [InlineData("""{"x":{"from":{"model":"bad"},"y":{"model":7}}}""", "x.from.model: no bad")]
    [InlineData(
        """{"x":{"type":"fallback","from":{"model":"bad"},"y":{"model":7}}}""",
        "x.y.model: refused by this gateway: `model` must be a string")]
    [InlineData(
        """{"x":{"type":"fallback","from":{"type":"text","to":{"model":"bad"}}},"y":{"to":{"type":"text","from":{"model":"bad"}}}}""",
        "y.to.from.model: no bad")]
    [InlineData("""{"\ud800\u001b":{"model":"bad"}}""", "\\ud800\\u001b.model: no bad")]
    public void The_judgement_cannot_be_led_astray(string body, string refusal) => Assert.Equal(refusal, Refusal(body));

    [Fact]
    public void The_hundred_and_first_model_is_refused()
    {
        Assert.Null(
            Refusal($$$"""{"fallbacks":[{{{Times(100, """{"model":"good"},""")}}}{"model":null},{"model":{}}]}"""));
        Assert.Equal(
            "fallbacks.100.model: refused by this gateway: the request names more than 100 models in `model` fields",
            Refusal($$"""{"fallbacks":[{{Times(100, """{"model":"good"},""")}}{{Bad}}]}"""));
    }

    [Fact]
    public void History_does_not_count_as_models_of_the_request() =>
        Assert.Null(
            Refusal(
                "{\"messages\":["
                + Times(150, """{"from":{"model":"bad"},"to":{"model":"bad"},"type":"fallback"},""")
                + """{"model":"good"}]}"""));

    [Fact]
    public void A_body_made_of_history_is_refused_before_it_costs_much()
    {
        var judged = 0;
        var nested = new NestedModels(_ => (++judged).ToString(CultureInfo.InvariantCulture));

        var body = Body(
            "{\"messages\":["
            + Times(200_000, """{"from":{"model":"a"},"to":{"model":"b"},"type":"fallback"},""")
            + "1]}");
        MessagesRequest.Read(body, nested);

        Assert.Equal(
            "messages.5000.from.model: refused by this gateway: the request names too many models",
            nested.Refusal(body));
        Assert.Equal(10_000, judged);
    }

    [Theory]
    [InlineData(998, Bad, "no bad")]
    [InlineData(998, "[]", null)]
    [InlineData(999, "1", null)]
    [InlineData(999, "[]", "refused by this gateway: the request JSON is nested more than 1,000 levels deep")]
    [InlineData(100_000, "1", "refused by this gateway: the request JSON is nested more than 1,000 levels deep")]
    public void Nesting_has_an_end_where_models_are_judged(int levels, string inner, string? refusal)
    {
        var lists = Refusal($$"""{"x":{{new string('[', levels)}}{{inner}}{{new string(']', levels)}}}""");
        var objects = Refusal($$"""{"x":{{Times(levels, """{"a":""")}}{{inner}}{{new string('}', levels)}}}""");

        Assert.Equal(refusal, lists?.Split("...: ")[1]);
        Assert.Equal(refusal, objects?.Split("...: ")[1]);
        Assert.Equal(refusal is null ? null : 128, objects?.Split("...: ")[0].Length);
    }

    [Fact]
    public void Nesting_in_a_tools_arguments_is_the_upstreams_business() =>
        Assert.Null(Refusal("{\"x\":{\"input\":" + new string('[', 5000) + new string(']', 5000) + "}}"));

    [Fact]
    public void Whatever_else_the_body_is_the_walk_reads_it_as_the_plain_reading_does() =>
        Prop.ForAll(JsonTexts.Objects, json =>
        {
            var body = Encoding.UTF8.GetBytes(json);
            var (plain, error) = MessagesRequest.Read(body);
            var (walked, other) = MessagesRequest.Read(body, new NestedModels(_ => null));

            Assert.Equal(error?.Message, other?.Message);
            Assert.Equal(
                (plain?.Model, plain?.ModelValue, plain?.TagsValue, plain?.IsStream),
                (walked?.Model, walked?.ModelValue, walked?.TagsValue, walked?.IsStream));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_cut_of_a_document_is_invalid_json() =>
        Prop.ForAll(JsonTexts.Objects, ArbMap.Default.ArbFor<PositiveInt>(), (json, at) =>
        {
            var bytes = Encoding.UTF8.GetBytes(json);
            Assert.Equal(
                "invalid JSON",
                MessagesRequest.Read(bytes.AsMemory(0, at.Get % bytes.Length),
                    new NestedModels(_ => "no")).Error!.Message);
        }).QuickCheckThrowOnFailure();

    private static string? Refusal(string body)
    {
        var bytes = Body(body);
        var nested = new NestedModels(model => model == "bad" ? "no bad" : null);
        Assert.NotNull(MessagesRequest.Read(bytes, nested).Request);
        return nested.Refusal(bytes);
    }

    /// <summary>Adds the request's own model, last, so that it is seen to take no part.</summary>
    private static byte[] Body(string body) => Encoding.UTF8.GetBytes($$"""{{body[..^1]}},"model":"bad"}""");

    private static string Times(int count, string text) => string.Concat(Enumerable.Repeat(text, count));
}
