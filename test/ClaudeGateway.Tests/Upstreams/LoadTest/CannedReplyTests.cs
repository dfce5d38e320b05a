using System.Text;
using System.Text.Json.Nodes;
using ClaudeGateway.Upstreams.LoadTest;

namespace ClaudeGateway.Tests.Upstreams.LoadTest;

public sealed class CannedReplyTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(40, 7)]
    [InlineData(750, 190)]
    public void The_streamed_text_is_the_whole_message_s_text(int tokens, int maxDeltas)
    {
        var reply = new CannedReply(tokens, reportsUsage: false);
        var events = Parse(reply.Events(maxDeltas));

        var streamed = string.Concat(
            events.Where(e => (string?)e["type"] == "content_block_delta").Select(e => (string?)e["delta"]!["text"]));

        Assert.Equal((string?)JsonNode.Parse(reply.WholeMessage())!["content"]![0]!["text"], streamed);
        Assert.InRange(events.Count(e => (string?)e["type"] == "content_block_delta"), 1, maxDeltas);
    }

    [Fact]
    public void Events_come_in_the_order_of_the_Messages_API()
    {
        var types = Parse(new CannedReply(5, reportsUsage: false).Events(1)).Select(e => (string?)e["type"]);

        Assert.Equal(
            [
                "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
                "message_stop"],
            types);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 40)]
    public void Usage_is_stated_only_when_asked_for(bool reportsUsage, int outputTokens)
    {
        var reply = new CannedReply(40, reportsUsage);

        Assert.Equal(outputTokens, (int?)JsonNode.Parse(reply.WholeMessage())!["usage"]!["output_tokens"]);
        Assert.Equal(
            outputTokens,
            (int?)Parse(reply.Events(3)).Single(e => (string?)e["type"] == "message_delta")["usage"]!["output_tokens"]);
    }

    private static List<JsonNode> Parse(IEnumerable<byte[]> events) =>
        [.. events.Select(e => JsonNode.Parse(Encoding.UTF8.GetString(e).Split("data: ")[1])!)];
}
