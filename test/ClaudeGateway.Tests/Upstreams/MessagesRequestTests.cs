using System.Text;
using System.Text.Json;
using ClaudeGateway.Tests.Json;
using ClaudeGateway.Upstreams.Contract;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class MessagesRequestTests
{
    [Theory]
    [InlineData("", "invalid JSON")]
    [InlineData("{nope", "invalid JSON")]
    [InlineData("""{"model":"m"} x""", "invalid JSON")]
    [InlineData("""{"model":"m","x":01}""", "invalid JSON")]
    [InlineData("""{"model":"m","x":"\q"}""", "invalid JSON")]
    [InlineData("""{"model":"m",}""", "invalid JSON")]
    [InlineData("""[1] x""", "invalid JSON")]
    [InlineData("[1]", "request body must be a JSON object")]
    [InlineData("null", "request body must be a JSON object")]
    [InlineData("\"x\"", "request body must be a JSON object")]
    [InlineData("5", "request body must be a JSON object")]
    [InlineData("{}", "model is required")]
    [InlineData("""{"model":""}""", "model is required")]
    [InlineData("""{"model":null}""", "model must be a string")]
    [InlineData("""{"model":5}""", "model must be a string")]
    [InlineData("""{"model":["m"]}""", "model must be a string")]
    [InlineData("""{"model":"a","model":"b"}""", "model and tags must each appear only once")]
    [InlineData("""{"model":"a","mod\u0065l":"b"}""", "model and tags must each appear only once")]
    [InlineData("""{"tags":{},"model":"a","tags":{}}""", "model and tags must each appear only once")]
    public void A_body_the_gateway_cannot_judge_is_refused(string body, string message)
    {
        var (request, error) = MessagesRequest.Read(Encoding.UTF8.GetBytes(body));

        Assert.Null(request);
        Assert.Equal((400, "invalid_request_error", message), (error!.Status, error.Type, error.Message));
    }

    [Fact]
    public void A_byte_order_mark_is_refused() =>
        Assert.Equal(
            "invalid JSON",
            MessagesRequest.Read(Encoding.UTF8.Preamble.ToArray().Concat("""{"model":"m"}"""u8.ToArray())
                .ToArray()).Error!.Message);

    [Fact]
    public void The_fields_the_gateway_acts_on_are_found_wherever_they_stand()
    {
        var body =
            """{"x":{"model":"inner","stream":false}, "stream" : true,"m\u006fdel":"cl\u0061ude","tags":{"a":"b"}}"""u8.ToArray();

        var request = MessagesRequest.Read(body).Request!;

        Assert.Equal("claude", request.Model);
        Assert.True(request.IsStream);
        Assert.Equal("\"cl\\u0061ude\"", Encoding.UTF8.GetString(body[request.ModelValue]));
        Assert.Equal("""{"a":"b"}""", Encoding.UTF8.GetString(body[request.TagsValue!.Value]));
    }

    [Fact]
    public void Deep_nesting_is_the_upstreams_business()
    {
        var body = $$"""{"x":{{new string('[', 100_000)}}{{new string(']', 100_000)}},"model":"m"}""";

        Assert.Equal("m", MessagesRequest.Read(Encoding.UTF8.GetBytes(body)).Request!.Model);
    }

    [Fact]
    public void Bytes_that_are_not_unicode_pass_in_values_and_never_match_as_a_model()
    {
        Assert.NotNull(MessagesRequest.Read((byte[])[.. "{\"model\":\"m\",\"x\":\""u8, 0xff, 0xfe,
            .. "\"}"u8]).Request);
        Assert.Equal("m�", MessagesRequest.Read((byte[])[.. "{\"model\":\"m"u8, 0xff, .. "\"}"u8]).Request!.Model);
        Assert.Equal("\\ud800", MessagesRequest.Read("{\"model\":\"\\ud800\"}"u8.ToArray()).Request!.Model);
    }

    [Fact]
    public void A_name_that_is_not_unicode_is_one_the_gateway_does_not_know()
    {
        Assert.Equal(
            "m", MessagesRequest.Read("""{"mode\ud800":1,"\udc00":{},"model":"m"}"""u8.ToArray()).Request!.Model);
        Assert.Equal("m", MessagesRequest.Read("""{"m\u006Fd\u0065l":"m"}"""u8.ToArray()).Request!.Model);
    }

    [Fact]
    public void Any_object_is_read_as_a_parser_would() =>
        Prop.ForAll(JsonTexts.Objects, json =>
        {
            var (request, error) = MessagesRequest.Read(Encoding.UTF8.GetBytes(json));
            using var document = JsonDocument.Parse(json);
            var models = document.RootElement.EnumerateObject().Where(m => m.Name == "model").ToArray();
            var tags = document.RootElement.EnumerateObject().Count(m => m.Name == "tags");
            if (models.Length > 1 || tags > 1)
            {
                Assert.Equal("model and tags must each appear only once", error!.Message);
            }
            else if (models.Length == 0 || models[0].Value.ValueKind != JsonValueKind.String
                || models[0].Value.GetRawText() == "\"\"")
            {
                Assert.StartsWith("model ", error!.Message, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(
                    models[0].Value.GetRawText(), Encoding.UTF8.GetString(request!.Body[request.ModelValue].Span));
                Assert.Equal(tags == 1, request.TagsValue is not null);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_answered_and_never_throw() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var (request, error) = MessagesRequest.Read(bytes);
            Assert.True(request is null != error is null);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_cut_of_a_document_is_invalid_json() =>
        Prop.ForAll(JsonTexts.Objects, ArbMap.Default.ArbFor<PositiveInt>(), (json, at) =>
        {
            var bytes = Encoding.UTF8.GetBytes(json);
            Assert.Equal("invalid JSON", MessagesRequest.Read(bytes.AsMemory(0, at.Get % bytes.Length)).Error!.Message);
        }).QuickCheckThrowOnFailure();
}
