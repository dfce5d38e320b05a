using System.Text;
using ClaudeGateway.Upstreams.Adapting;

namespace ClaudeGateway.Tests.Upstreams.Adapting;

public sealed class OptionalFieldTests
{
    private const OptionalFields All = OptionalFields.ContextManagement | OptionalFields.EagerInputStreaming
        | OptionalFields.CacheControlScope;

    [Theory]
    [InlineData("context_management: Extra inputs are not permitted", "context_management")]
    [InlineData("context_management.edits.0.keep: Extra inputs are not permitted", "context_management")]
    [InlineData(
        "tools.0.custom.eager_input_streaming: Extra inputs are not permitted", "eager_input_streaming")]
    [InlineData("tools.3.eager_input_streaming: extra inputs are not permitted", "eager_input_streaming")]
    [InlineData(
        "system.2.cache_control.ephemeral.scope: Extra inputs are not permitted", "cache_control.scope")]
    [InlineData(
        "messages.0.content.0.text.cache_control.scope: Extra inputs are not permitted",
        "cache_control.scope")]
    [InlineData(
        "a: context_management: Extra inputs are not permitted; tools.0.eager_input_streaming: Extra inputs are not "
            + "permitted",
        "context_management,eager_input_streaming")]
    [InlineData("thinking.adaptive: Extra inputs are not permitted", "")]
    [InlineData("max_tokens: Extra inputs are not permitted", "")]
    [InlineData("tools.0.custom.strict: Extra inputs are not permitted", "")]
    [InlineData("tools: Extra inputs are not permitted", "")]
    [InlineData("messages.0.context_management: Extra inputs are not permitted", "")]
    [InlineData("system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted", "")]
    [InlineData("my_context_management: Extra inputs are not permitted", "")]
    [InlineData("context_management: Input should be a valid dictionary", "")]
    [InlineData(null, "")]
    public void The_fields_that_a_refusal_names_are_known(string? words, string fields) =>
        Assert.Equal(fields, string.Join(',', OptionalField.Names(OptionalField.Refused(words))));

    [Theory]
    [InlineData("""{"context_management":{"edits":[]},"model":"m"}""", """{"model":"m"}""")]
    [InlineData("""{"model":"m", "context_management" : {} , "x":1}""", """{"model":"m" , "x":1}""")]
    [InlineData("""{"model":"m","context_management":{},"context_management":1 }""", """{"model":"m" }""")]
    [InlineData(
        """{"model":"m","tools":[{"eager_input_streaming":true,"name":"a"},{"name":"b","eager_input_streaming":false}]}""",
        """{"model":"m","tools":[{"name":"a"},{"name":"b"}]}""")]
    [InlineData(
        """{"model":"m","tools":[{"name":"a","cache_control":{"type":"ephemeral","scope":"global"},"input_schema":{"eager_input_streaming":1,"cache_control":{"scope":1}}}]}""",
        """{"model":"m","tools":[{"name":"a","cache_control":{"type":"ephemeral"},"input_schema":{"eager_input_streaming":1,"cache_control":{"scope":1}}}]}""")]
    [InlineData(
        """{"model":"m","system":[{"type":"text","text":"\\u00e9 ☃","cache_control":{"scope":"global", "ttl":"1h"}}]}""",
        """{"model":"m","system":[{"type":"text","text":"\\u00e9 ☃","cache_control":{"ttl":"1h"}}]}""")]
    [InlineData(
        """{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","content":[{"cache_control":{"scope":"x"}}]},{"type":"tool_use","input":{"cache_control":{"scope":"mine"}}}]}]}""",
        """{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","content":[{"cache_control":{}}]},{"type":"tool_use","input":{"cache_control":{"scope":"mine"}}}]}]}""")]
    [InlineData("""{"model":"m","metadata":{"context_management":1},"n":12345678901234567890,"d":1.10}""", null)]
    [InlineData("""{"model":"m","messages":"context_management","tools":null,"system":[1,[2]]}""", null)]
    public void They_are_taken_out_where_the_API_has_them_and_nothing_else_is_touched(string body, string? left)
    {
        var call = CloudCalls.Call(body);
        var rest = OptionalField.Without(call, All);

        Assert.Equal(left ?? body, Encoding.UTF8.GetString(rest.Message.Body.Span));
        Assert.Equal(left is null, ReferenceEquals(call, rest));
    }

    [Fact]
    public void A_field_that_is_not_meant_stays()
    {
        const string Body = """{"model":"m","context_management":{},"tools":[{"eager_input_streaming":true}]}""";
        Assert.Equal(
            """{"model":"m","tools":[{"eager_input_streaming":true}]}""",
            Encoding.UTF8.GetString(
                OptionalField.Without(CloudCalls.Call(Body), OptionalFields.ContextManagement).Message.Body.Span));
        Assert.Equal(Body, Encoding.UTF8.GetString(
            OptionalField.Without(CloudCalls.Call(Body), OptionalFields.None).Message.Body.Span));
    }

    [Fact]
    public void Nesting_beyond_all_measure_is_passed_over()
    {
        var deep = new string('[', 100_000) + new string(']', 100_000);
        var rest = "{\"model\":\"m\",\"messages\":" + deep;
        var left = OptionalField.Without(CloudCalls.Call(rest + ",\"context_management\":{}}"), All).Message.Body;

        Assert.Equal(rest + "}", Encoding.UTF8.GetString(left.Span));
    }
}
