using System.Text;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class EventBoundaryTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("event: a\ndata: b\n\n", true)]
    [InlineData("data: b\r\n\r\n", true)]
    [InlineData("data: b\r\r", true)]
    [InlineData("data: b\n\r\n", true)]
    [InlineData("data: b\r\n\n", true)]
    [InlineData("data: b\n\n: comment\n\n", true)]
    [InlineData("data: b\n", false)]
    [InlineData("data: b\r\n", false)]
    [InlineData("data: b\r", false)]
    [InlineData("data: b", false)]
    [InlineData("data: b\n\ndata: c", false)]
    [InlineData("data: b\n\n: comment\n", false)]
    [InlineData("\uFEFF", false)]
    public void It_is_seen_however_the_bytes_come(string text, bool isBoundary)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var size = 1; size <= Math.Max(1, bytes.Length); size++)
        {
            var boundary = new EventBoundary();
            foreach (var part in bytes.Chunk(size))
            {
                boundary.Pass(part);
            }

            Assert.Equal((size, isBoundary), (size, boundary.IsHere));
        }
    }
}
