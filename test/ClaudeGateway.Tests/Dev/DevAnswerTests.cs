using System.Text.Json.Nodes;
using ClaudeGateway.Dev;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Dev;

public sealed class DevAnswerTests
{
    private const string Weather =
        """{"name":"get_weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}""";
    private const string Bash =
        """{"name":"Bash","input_schema":{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}}""";
    private const string Glob =
        """{"name":"Glob","input_schema":{"type":"object","properties":{"pattern":{"type":"string"}},"required":["pattern"]}}""";

    [Fact]
    public void A_prompt_is_answered_with_text_that_quotes_it()
    {
        var answer = To("""{"messages":[{"role":"user","content":"What is up?"}]}""");
        Assert.Equal("end_turn", answer.StopReason);
        Assert.Contains("What is up?", Text(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"enabled","budget_tokens":2000}""", "thinking")]
    [InlineData("""{"type":"adaptive"}""", "thinking")]
    [InlineData("""{"type":"disabled"}""", "text")]
    [InlineData("null", "text")]
    public void Thinking_comes_first_when_it_is_asked_for(string thinking, string first) =>
        Assert.Equal(
            first,
            (string?)To($$"""{"thinking":{{thinking}},"messages":[{"role":"user","content":"hi"}]}""").Blocks[0]
                .Whole()["type"]);

    [Fact]
    public void An_offered_tool_is_called_with_input_that_fits()
    {
        var answer = To($$"""{"tools":[{{Weather}}],"messages":[{"role":"user","content":"hi"}]}""");
        Assert.Equal("tool_use", answer.StopReason);
        var call = answer.Blocks[^1].Whole();
        Assert.Equal("get_weather", (string?)call["name"]);
        Assert.Equal("""{"city":"example"}""", call["input"]!.ToJsonString());
        Assert.Equal(
            """{"city":"example"}""",
            string.Concat(answer.Blocks[^1].Deltas().Select(d => (string?)d["partial_json"])));
    }

    [Fact]
    public void After_a_tool_has_answered_comes_text()
    {
        var answer = To($$$"""
            {"tools":[{{{Weather}}}],"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"get_weather","input":{}}]},
             {"role":"user","content":[
               {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"22 degrees"}]},
               {"type":"text","text":"a reminder of the client's"}]}]}
            """);
        Assert.Equal("end_turn", answer.StopReason);
        Assert.Contains("22 degrees", Text(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Bash + "," + Glob, "hi", "Glob")]
    [InlineData(Bash, "hi", null)]
    [InlineData(Bash, "please use bash.", "Bash")]
    public void A_coding_agent_is_made_to_act_only_by_name(string tools, string prompt, string? called)
    {
        var answer = To($$"""{"tools":[{{tools}}],"messages":[{"role":"user","content":"{{prompt}}"}]}""");
        Assert.Equal(called, (string?)answer.Blocks[^1].Whole()["name"]);
    }

    [Theory]
    [InlineData("""{"type":"none"}""", null)]
    [InlineData("""{"type":"any"}""", "Bash")]
    [InlineData("""{"type":"tool","name":"get_weather"}""", "get_weather")]
    [InlineData("""{"type":"tool","name":"unknown"}""", null)]
    public void Tool_choice_decides(string choice, string? called)
    {
        var answer = To(
            $$"""{"tools":[{{Bash}},{{Weather}}],"tool_choice":{{choice}},"messages":[{"role":"user","content":"hi"}]}""");
        Assert.Equal(called, (string?)answer.Blocks[^1].Whole()["name"]);
    }

    [Fact]
    public void A_schema_for_the_output_is_followed()
    {
        var answer = To(
            """{"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"title":{"type":"string"}},"required":["title"]}}},"messages":[{"role":"user","content":"hi"}]}""");
        Assert.Equal("""{"title":"example"}""", Text(answer));
    }

    [Fact]
    public void Max_tokens_cuts_the_answer_and_says_so()
    {
        var answer = To("""{"max_tokens":3,"messages":[{"role":"user","content":"hi"}]}""");
        Assert.Equal("max_tokens", answer.StopReason);
        Assert.Equal("Hello from the ", Text(answer));
        Assert.Equal(3, answer.OutputTokens);
    }

    [Fact]
    public void The_pieces_of_a_stream_are_the_whole_text() =>
        FsCheck.Check.QuickThrowOnFailure(
            Prop.ForAll<string>(text => string.Concat(new DevBlock.Text(text ?? "").Pieces) == (text ?? "")));

    private static DevAnswer To(string json)
    {
        var request = JsonNode.Parse(json)!.AsObject();
        request["model"] = "claude-sonnet-4-6";
        return DevAnswer.To(request);
    }

    private static string Text(DevAnswer answer) => (string)answer.Blocks[^1].Whole()["text"]!;
}
