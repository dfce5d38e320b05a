using System.Text;
using System.Text.Json;
using ClaudeGateway.Spend.Usage;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class UsageReaderTests
{
    private const string Start =
        """data: {"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":1000,"cache_read_input_tokens":7,"output_tokens":1}}}""";
    private const string Delta =
        """data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":50}}""";

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void A_stream_is_read_alike_in_any_chunking_and_with_any_line_end(string lineEnd) =>
        Check.QuickThrowOnFailure(Prop.ForAll<byte[]>(cuts =>
        {
            var bytes = Encoding.UTF8.GetBytes(
                string.Join(lineEnd, "event: message_start", Start, "", Text("hé😀 \"quoted\" \\ "), "", Delta, "", ""));
            return Read("text/event-stream", bytes, cuts) == new TokenUsage
            {
                Input = 1000,
                CacheRead = 7,
                Output = 50,
            };
        }));

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void An_event_over_several_lines_is_one_text_in_any_chunking(string lineEnd) =>
        Check.QuickThrowOnFailure(Prop.ForAll<byte[]>(cuts =>
        {
            string[] lines =
            [
                "event: message_start",
                """data: {"type":""",
                """data: "message_start","message":{"usage":""",
                "id: 1",
                """data:{"input_tokens":1000,""",
                """data: "cache_read_input_tokens":7}}}""",
                "",
                """data: {"type":"message_delta","usage":{""",
                """data: "output_tokens":50}""",
                "data: }",
                "",
                "",
            ];
            var usage = Read("text/event-stream", Encoding.UTF8.GetBytes(string.Join(lineEnd, lines)), cuts);
            return usage == new TokenUsage { Input = 1000, CacheRead = 7, Output = 50 };
        }));

    [Fact]
    public void Events_without_an_empty_line_between_them_are_told_apart() =>
        Assert.Equal(
            new TokenUsage { Input = 1000, CacheRead = 7, Output = 50 },
            Read("text/event-stream", Encoding.UTF8.GetBytes(string.Join('\n', Start, Text("a"), Delta)), []));

    [Theory]
    [InlineData("", 77)]
    [InlineData("event: ping\ndata: {\"type\":\"ping\"}\n\n", 77)]
    [InlineData(Start + "\n\n", 1000)]
    [InlineData("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", 0)]
    public void Where_the_client_left_the_input_is_assumed_unless_the_upstream_has_spoken(string stream, long input)
    {
        var reader = UsageReader.For("text/event-stream");
        reader.Read(Encoding.UTF8.GetBytes(stream));
        reader.AssumeInput(77);
        Assert.Equal(input, reader.Finish().Input);
    }

    [Theory]
    [InlineData("""{"content":[],""", 77)]
    [InlineData("""{"usage":{"input_tokens":3}}""", 3)]
    public void A_whole_answer_that_was_left_is_billed_the_assumed_input_too(string body, long input)
    {
        var reader = UsageReader.For("application/json");
        reader.Read(Encoding.UTF8.GetBytes(body));
        reader.AssumeInput(77);
        Assert.Equal(input, reader.Finish().Input);
    }

    [Fact]
    public void A_whole_answer_is_read_alike_in_any_chunking() =>
        Check.QuickThrowOnFailure(Prop.ForAll<string, byte[]>((text, cuts) =>
        {
            var json = JsonSerializer.Serialize(
                new
                {
                    id = "msg_1",
                    content = new[] { new { text, usage = new { input_tokens = 9 } } },
                    usage = new { input_tokens = 12, output_tokens = 34, service_tier = text }
                });
            return Read("application/json", Encoding.UTF8.GetBytes(json), cuts) == new TokenUsage
            {
                Input = 12,
                Output = 34,
            };
        }));

    [Fact]
    public void Without_the_final_figure_the_text_that_was_sent_is_billed()
    {
        var usage = Stream(
            Start, Text(new string('x', 4000)), Thinking(new string('y', 400)), Input(new string('z', 40)));
        Assert.Equal(1000 + 100 + 10, usage.Output);
        Assert.Equal(1000, usage.Input);
    }

    [Theory]
    [InlineData("é😀\n\t", 5)]
    [InlineData("\\ \" /", 5)]
    [InlineData("message_delta", 13)]
    [InlineData("\"text\":\"", 8)]
    public void Escapes_and_letters_count_as_the_characters_they_are(string text, int characters) =>
        Assert.Equal(((characters * 40) + 3) / 4, Stream([Start, .. Enumerable.Repeat(Text(text), 40)]).Output);

    [Fact]
    public void Later_figures_replace_earlier_ones_but_what_was_read_never_shrinks()
    {
        var usage = Stream(
            Start,
            """data: {"type":"message_delta","usage":{"input_tokens":5,"cache_creation_input_tokens":100,"output_tokens":2000,"server_tool_use":{"web_search_requests":3}}}""",
            """data: {"type":"message_delta","usage":{"input_tokens":2000,"cache_creation_input_tokens":1,"output_tokens":1000,"server_tool_use":{"web_search_requests":2}}}""");
        Assert.Equal(
            new TokenUsage { Input = 2000, CacheRead = 7, CacheWrite5m = 100, Output = 1000, WebSearches = 2 }, usage);
    }

    [Fact]
    public void What_the_start_said_of_cache_lifetimes_holds_for_the_final_total()
    {
        var usage = Stream(
            """data: {"type":"message_start","message":{"usage":{"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":10,"ephemeral_5m_input_tokens":0}}}}""",
            """data: {"type":"message_delta","usage":{"cache_creation_input_tokens":15,"output_tokens":0}}""");
        Assert.Equal((10, 5), (usage.CacheWrite1h, usage.CacheWrite5m));
    }

    [Fact]
    public void A_prompt_that_the_start_counts_whole_is_billed_by_the_parts_that_a_delta_tells() =>
        Check.QuickThrowOnFailure(Prop.ForAll<(ushort, ushort, ushort), bool>((parts, saysZero) =>
        {
            var (input, read, written) = parts;
            var start = StartOf(input + read + written, saysZero ? 0 : null);
            return Stream(start, DeltaOf(input, read, written)) == Billed(input, read, written);
        }));

    [Fact]
    public void The_parts_of_a_prompt_may_come_in_several_deltas_in_any_order() =>
        Check.QuickThrowOnFailure(Prop.ForAll<(ushort, ushort, ushort), (byte, byte, byte)>((parts, order) =>
        {
            var (input, read, written) = parts;
            string[] deltas = [DeltaOf(input, null, null), DeltaOf(null, read, null), DeltaOf(null, null, written)];
            Array.Sort((byte[])[order.Item1, order.Item2, order.Item3], deltas);
            return Stream([StartOf(input + read + written, null), .. deltas]) == Billed(input, read, written);
        }));

    [Fact]
    public void Parts_that_follow_a_repeated_whole_replace_it() =>
        Assert.Equal(
            Billed(10, 80, 10),
            Stream(StartOf(100, null), DeltaOf(100, 0, 0), DeltaOf(10, 80, 10)));

    [Fact]
    public void Figures_that_grow_after_the_parts_are_told_count_on_from_them() =>
        Assert.Equal(
            Billed(400, 90, 10),
            Stream(StartOf(100, 0), DeltaOf(10, 80, 10), DeltaOf(400, 90, 10)));

    [Fact]
    public void Parts_by_lifetime_divide_a_prompt_without_their_total()
    {
        var usage = Stream(
            StartOf(100, null),
            """data: {"type":"message_delta","usage":{"input_tokens":30,"cache_read_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":10},"output_tokens":50}}""");
        Assert.Equal(Billed(30, 20, 40) with { CacheWrite1h = 10 }, usage);
    }

    [Fact]
    public void Figures_that_do_not_add_up_count_each_by_its_largest() =>
        Check.QuickThrowOnFailure(Prop.ForAll<ushort, (ushort, ushort, ushort)>((whole, parts) =>
        {
            var (input, read, written) = parts;
            var expected = input + read + written == whole ? input : Math.Max(whole, input);
            return Stream(StartOf(whole, null), DeltaOf(input, read, written)) == Billed(expected, read, written);
        }));

    [Fact]
    public void A_start_with_cache_figures_of_its_own_is_never_divided() =>
        Check.QuickThrowOnFailure(Prop.ForAll<(ushort, ushort, ushort), byte>((parts, cached) =>
        {
            var (input, read, written) = parts;
            var whole = input + read + written;
            return Stream(StartOf(whole, cached + 1), DeltaOf(input, read, written))
                == Billed(whole, Math.Max(read, cached + 1), written);
        }));

    [Fact]
    public void A_delta_that_leaves_the_input_out_divides_nothing() =>
        Assert.Equal(Billed(100, 100, 0), Stream(StartOf(100, null), DeltaOf(null, 100, null)));

    [Fact]
    public void Impossible_figures_divide_nothing() =>
        Assert.Equal(Billed(100, 100, 0), Stream(StartOf(100, null), DeltaOf(-50, 100, null)));

    [Fact]
    public void A_stream_that_ends_before_its_parts_are_told_is_billed_as_it_began() =>
        Assert.Equal(100, Stream(StartOf(100, null), Text("abc")).Input);

    [Fact]
    public void Fast_is_what_the_start_says_and_nothing_else()
    {
        const string start = """data: {"type":"message_start","message":{"usage":{"input_tokens":1,"speed":"fast"}}}""";
        Assert.True(Stream(start, Delta).IsFast);
        Assert.False(
            Stream(Start, """data: {"type":"message_delta","usage":{"output_tokens":1,"speed":"fast"}}""").IsFast);
    }

    [Theory]
    [InlineData("data: {broken \"message_start\"")]
    [InlineData("data: \"message_start\"")]
    [InlineData("data: {\"type\":\"message_start\",\"message\":[]}")]
    [InlineData("data: {\"type\":\"message_start\",\"message\":{\"usage\":\"none\"}}")]
    [InlineData("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":\"many\"}}")]
    [InlineData(": comment with message_start")]
    public void Broken_events_are_passed_over(string line) =>
        Assert.Equal(new TokenUsage { Input = 1000, CacheRead = 7, Output = 50 }, Stream(Start, line, Delta));

    [Fact]
    public void A_line_without_end_does_not_fill_the_memory()
    {
        var reader = UsageReader.For("text/event-stream");
        reader.Read("data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\""u8);
        var piece = new byte[64 * 1024];
        piece.AsSpan().Fill((byte)'x');
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 256; i++)
        {
            reader.Read(piece);
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 8 * 1024 * 1024);
        Assert.InRange(reader.Finish().Output, 4_000_000, 4_400_000);
    }

    [Theory]
    [InlineData("""{"usage":{}}""", 0)]
    [InlineData("""{"usage":null}""", 4)]
    [InlineData("""{"usage":[1]}""", 4)]
    [InlineData("""{"usage":{"input_tokens":"1000"}}""", 9)]
    [InlineData("""{"message":{"usage":{"output_tokens":9}}}""", 11)]
    [InlineData("""{"usage":{"output_tokens":9}""", 7)]
    [InlineData("<html>not json</html>", 6)]
    [InlineData("[{\"usage\":{}}]", 4)]
    [InlineData("", 0)]
    public void A_whole_answer_without_readable_usage_is_billed_by_its_length(string body, long output) =>
        Assert.Equal(new TokenUsage { Output = output }, Read("application/json", Encoding.UTF8.GetBytes(body), []));

    [Fact]
    public void Of_repeated_usage_members_the_last_counts() =>
        Assert.Equal(
            new TokenUsage { Input = 2 },
            Read(null, """{"usage":{"input_tokens":1},"usage" : {"input_tokens":2}}"""u8.ToArray(), []));

    [Theory]
    [InlineData("-1000000", 0, true)]
    [InlineData("1e30", 1_000_000_000, true)]
    [InlineData("99999999999999999999", 1_000_000_000, true)]
    [InlineData("100000.4", 100_000, false)]
    [InlineData("1e5", 100_000, false)]
    [InlineData("null", 0, false)]
    public void Impossible_figures_are_clamped(string number, long expected, bool isClamped)
    {
        var reader = UsageReader.For("application/json");
        reader.Read(Encoding.UTF8.GetBytes("{\"usage\":{\"input_tokens\":" + number + "}}"));
        Assert.Equal(expected, reader.Finish().Input);
        Assert.Equal(isClamped, reader.IsClamped);
    }

    [Theory]
    [InlineData(null, 400, 300, 300, 400)]
    [InlineData(0L, 400, 300, 300, 400)]
    [InlineData(1000L, 400, 0, 600, 400)]
    [InlineData(100L, 400, 0, 0, 100)]
    public void Cache_writes_are_split_by_lifetime_within_their_total(
        long? total, long oneHour, long fiveMinutes, long expected5m, long expected1h)
    {
        var usage = JsonSerializer.Serialize(
            new
            {
                cache_creation_input_tokens = total,
                cache_creation = new
                {
                    ephemeral_1h_input_tokens = oneHour,
                    ephemeral_5m_input_tokens = fiveMinutes
                }
            });
        var read = Read(null, Encoding.UTF8.GetBytes($$"""{"usage":{{usage}}}"""), []);
        Assert.Equal((expected5m, expected1h), (read.CacheWrite5m, read.CacheWrite1h));
    }

    [Fact]
    public void No_bytes_whatsoever_make_a_reader_fail() =>
        Check.QuickThrowOnFailure(Prop.ForAll<byte[], byte[], bool>((bytes, cuts, isStream) =>
        {
            var usage = Read(isStream ? "text/event-stream" : null, [.. "data: {\"message_start\""u8, .. bytes], cuts);
            return usage is { Input: >= 0, Output: >= 0 };
        }));

    private static TokenUsage Stream(params string[] lines) =>
        Read("text/event-stream; charset=utf-8", Encoding.UTF8.GetBytes(string.Join("\n\n", lines) + "\n\n"), []);

    private static TokenUsage Read(string? contentType, byte[] bytes, byte[] cuts)
    {
        var reader = UsageReader.For(contentType);
        var rest = bytes.AsSpan();
        foreach (var cut in cuts)
        {
            var length = Math.Min(cut % 50, rest.Length);
            reader.Read(rest[..length]);
            rest = rest[length..];
        }

        reader.Read(rest);
        return reader.Finish();
    }

    /// <param name="cached">Tokens from the cache; null says nothing of it.</param>
    private static string StartOf(int input, int? cached) => "data: " + JsonSerializer.Serialize(
        new { type = "message_start", message = new { usage = Usage(input, cached, cached is null ? null : 0, 1) } });

    private static string DeltaOf(int? input, int? read, int? written) => "data: " + JsonSerializer.Serialize(
        new { type = "message_delta", usage = Usage(input, read, written, 50) });

    private static Dictionary<string, int> Usage(int? input, int? read, int? written, int output)
    {
        (string Name, int? Figure)[] figures =
        [
            ("input_tokens", input),
            ("cache_read_input_tokens", read),
            ("cache_creation_input_tokens", written),
            ("output_tokens", output),
        ];
        return figures.Where(figure => figure.Figure is not null)
            .ToDictionary(figure => figure.Name, figure => figure.Figure!.Value);
    }

    private static TokenUsage Billed(int input, int read, int written) =>
        new() { Input = input, CacheRead = read, CacheWrite5m = written, Output = 50 };

    private static string Text(string text) => Block("text_delta", "text", text);

    private static string Thinking(string text) => Block("thinking_delta", "thinking", text);

    private static string Input(string json) => Block("input_json_delta", "partial_json", json);

    private static string Block(string type, string key, string text) =>
        "data: "
        + JsonSerializer.Serialize(
            new
            {
                type = "content_block_delta",
                index = 0,
                delta = new Dictionary<string, string>
                {
                    ["type"] = type,
                    [key] = text
                }
            });
}
