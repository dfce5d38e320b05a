using System.Buffers;
using System.Text;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Responses;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class EventTranslatorTests
{
    private const string Start = """{"type":"message_start","message":{"id":"msg_1","text":"héé ☃ 😀"}}""";
    private const string Delta =
        """{"type":"content_block_delta","index":0,"delta":{"text":"\u00e9 \" \\ \n","n":12345678901234567890,"d":1.10}}""";
    private const string Stop = """{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1}}""";

    private static readonly string Whole = Event("message_start", Start) + Event("content_block_delta", Delta)
        + Event("message_stop", Stop);

    [Fact]
    public void Bedrock_events_are_the_same_whatever_the_chunking()
    {
        byte[] stream = [
            .. EventStreamFrames.Chunk(Start), .. EventStreamFrames.Chunk(Delta), .. EventStreamFrames.Chunk(Stop)];
        Prop.ForAll(
            ArbMap.Default.ArbFor<PositiveInt>(),
            size =>
                Run(new BedrockTranslator([]), stream.Chunk(size.Item)) == (Whole, null)).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void Server_sent_events_are_the_same_whatever_the_chunking_and_line_ending(string newline)
    {
        var stream = Encoding.UTF8.GetBytes("\uFEFF: hello\n" + Whole.Replace("\n", newline, StringComparison.Ordinal));
        Prop.ForAll(
            ArbMap.Default.ArbFor<PositiveInt>(),
            size => Run(new SseTranslator([]), stream.Chunk(size.Item)) == (Whole, null)).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Compact_events_pass_byte_for_byte() =>
        Assert.Equal((Whole, null), Run(new SseTranslator([]), [Encoding.UTF8.GetBytes(Whole)]));

    [Fact]
    public void Pings_and_comments_are_dropped_and_unknown_events_pass()
    {
        var unknown = Event("brand_new", """{"type":"brand_new"}""");
        var (events, _) = Run(
            new SseTranslator([]),
            [Encoding.UTF8.GetBytes(
                $": c\n\nevent: ping\ndata: {{\"type\": \"ping\"}}\n\n{unknown}id: 7\nretry: 1\n{Whole}")]);
        Assert.Equal(unknown + Whole, events);

        var (fromBedrock, _) = Run(
            new BedrockTranslator([]),
            [
                EventStreamFrames.Chunk("""{"type":"ping"}"""),
                EventStreamFrames.Chunk("""{"type":"brand_new"}"""),
                EventStreamFrames.Frame("{}"u8, (":event-type", "initial-response"), (":message-type", "event")),
                EventStreamFrames.Chunk(Stop)]);
        Assert.Equal(unknown + Event("message_stop", Stop), fromBedrock);
    }

    [Fact]
    public void An_event_without_a_name_takes_it_from_its_data() =>
        Assert.Equal(
            (Whole, null),
            Run(new SseTranslator([]), [Encoding.UTF8.GetBytes($"data: {Start}\n\ndata:{Delta}\n\ndata: {Stop}\n\n")]));

    [Fact]
    public void Data_of_several_lines_becomes_one()
    {
        var (events, failure) = Run(
            new SseTranslator([]),
            ["event: message_stop\ndata: {\ndata: \"type\":\ndata: \"message_stop\"}\n\n"u8.ToArray()]);
        Assert.Equal("event: message_stop\ndata: { \"type\": \"message_stop\"}\n\n", events);
        Assert.Null(failure);
    }

    [Theory]
    [InlineData("throttlingException", 429, "rate_limit_error", "upstream rate limit exceeded")]
    [InlineData("serviceUnavailableException", 529, "overloaded_error", "upstream overloaded")]
    [InlineData("modelTimeoutException", 504, "timeout_error", "upstream timed out")]
    [InlineData("internalServerException", 502, "api_error", "upstream error")]
    [InlineData("modelStreamErrorException", 502, "api_error", "upstream error")]
    [InlineData("validationException", 400, "invalid_request_error", "upstream rejected the request")]
    public void An_exception_keeps_its_class_but_not_its_words(
        string exception, int status, string type, string message)
    {
        var (events, failure) = Run(
            new BedrockTranslator([]),
            [
                EventStreamFrames.Chunk(Start),
                EventStreamFrames.Exception(exception, "secret arn:aws:iam::1:role/x"),
                EventStreamFrames.Chunk(Stop)]);
        Assert.Equal(Event("message_start", Start), events);
        Assert.Equal((status, type, message), (failure!.Error.Status, failure.Error.Type, failure.Error.Message));
        Assert.Contains("secret", failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_input_in_the_stream_is_classified()
    {
        var (_, failure) = Run(
            new BedrockTranslator([]),
            [EventStreamFrames.Exception("validationException", "prompt is too long: 5 tokens > 4 maximum")]);
        Assert.Equal("capability_rejected: prompt_too_long", failure!.Error.Message);
    }

    [Theory]
    [InlineData("overloaded_error", "overloaded_error", "upstream overloaded")]
    [InlineData("rate_limit_error", "rate_limit_error", "upstream rate limit exceeded")]
    [InlineData("invalid_request_error", "invalid_request_error", "upstream rejected the request")]
    [InlineData("api_error", "api_error", "upstream error")]
    [InlineData("made_up_error", "api_error", "upstream error")]
    public void An_error_event_keeps_its_class_but_not_its_words(string sent, string type, string message)
    {
        var error = Event(
            "error", $$$"""{"type":"error","error":{"type":"{{{sent}}}","message":"secret project 123"}}""");
        foreach (var (translator, bytes) in new (EventTranslator, byte[])[]
        {
            (new SseTranslator([]), Encoding.UTF8.GetBytes(error)),
            (new BedrockTranslator([]), EventStreamFrames.Chunk(error.Split("data: ")[1])),
        })
        {
            var (events, failure) = Run(translator, [bytes]);
            Assert.Equal(("", type, message), (events, failure!.Error.Type, failure.Error.Message));
        }
    }

    [Theory]
    [InlineData("event: x\ndata: {\"type\": \n\n")]
    [InlineData("event: x\ndata: []\n\n")]
    [InlineData("event: message_stop\ndata: {} {}\n\n")]
    [InlineData("data: {\"no\":\"type\"}\n\n")]
    [InlineData("event: message_stop\ndata: {\"type\":\"mess")]
    [InlineData("event: message_start\ndata: {\"type\":\"message_start\"}\n\n")]
    [InlineData("{\"type\":\"message\"}")]
    [InlineData("")]
    public void What_is_no_complete_message_is_a_failure(string stream)
    {
        var (_, failure) = Run(new SseTranslator([]), [Encoding.UTF8.GetBytes(stream)]);
        Assert.Equal("api_error", failure!.Error.Type);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_last_event_without_its_line_ends_counts(int missing) =>
        Assert.Equal((Whole, null), Run(new SseTranslator([]), [Encoding.UTF8.GetBytes(Whole[..^missing])]));

    [Fact]
    public void What_is_no_event_behind_the_end_of_the_message_is_dropped() =>
        Assert.Equal((Whole, null), Run(new SseTranslator([]), [Encoding.UTF8.GetBytes(Whole + "data: [DONE]\n\n")]));

    [Theory]
    [InlineData("""{"bytes":"not base64!"}""")]
    [InlineData("""{"bytes":7}""")]
    [InlineData("""{"bytes":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"p":"abc"}""")]
    [InlineData("""["bytes"]""")]
    [InlineData("")]
    public void A_chunk_without_an_event_is_a_failure(string payload)
    {
        var (_, failure) = Run(
            new BedrockTranslator([]),
            [EventStreamFrames.Frame(
                Encoding.UTF8.GetBytes(payload), (":event-type", "chunk"), (":message-type", "event"))]);
        Assert.NotNull(failure);
    }

    [Fact]
    public void A_damaged_frame_ends_the_stream_after_the_events_before_it()
    {
        var damaged = EventStreamFrames.Chunk(Delta);
        damaged[^1] ^= 0xFF;
        var (events, failure) = Run(new BedrockTranslator([]), [[.. EventStreamFrames.Chunk(Start), .. damaged]]);
        Assert.Equal(Event("message_start", Start), events);
        Assert.Equal("upstream error", failure!.Error.Message);
    }

    [Fact]
    public void Escaped_base64_is_read()
    {
        var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(Stop)).Replace("/", "\\/",
            StringComparison.Ordinal).Replace("A", "\\u0041", StringComparison.Ordinal);
        var frame = EventStreamFrames.Frame(
            Encoding.UTF8.GetBytes($$"""{"p":{"bytes":"x"},"bytes":"{{base64}}"}"""),
            (":event-type", "chunk"),
            (":message-type", "event"));
        Assert.Equal((Event("message_stop", Stop), null), Run(new BedrockTranslator([]), [frame]));
    }

    [Fact]
    public void Noise_never_throws() => Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>(), chunks =>
    {
        Run(new SseTranslator([]), chunks);
        Run(new SseTranslator([]), chunks.Select(chunk => (byte[])[.. "data: "u8, .. chunk, .. "\n\n"u8]));
        Run(new BedrockTranslator([]), chunks);
        Run(
            new BedrockTranslator([]),
            chunks.Select(chunk => EventStreamFrames.Frame(chunk, (":event-type", "chunk"),
                (":message-type", "event"))));
        return true;
    }).QuickCheckThrowOnFailure();

    private static string Event(string name, string json) => $"event: {name}\ndata: {json}\n\n";

    private static (string Events, StreamFailure? Failure) Run(EventTranslator translator, IEnumerable<byte[]> chunks)
    {
        var events = new ArrayBufferWriter<byte>();
        StreamFailure? failure = null;
        foreach (var chunk in chunks)
        {
            failure ??= translator.Translate(chunk, events);
        }

        failure ??= translator.End(events);
        return (Encoding.UTF8.GetString(events.WrittenSpan), failure);
    }
}
