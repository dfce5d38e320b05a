using System.Text;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Tests.Logging;

public sealed class StderrLinesTests
{
    [Fact]
    public void A_line_the_reader_can_take_is_written_before_the_call_returns()
    {
        using var stream = new MemoryStream();
        using var lines = new StderrLines(stream, static _ => true);
        lines.Write("one\n"u8.ToArray());
        Assert.Equal("one\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Lines_keep_their_order_when_the_reader_stalls_and_comes_back()
    {
        using var stream = new MemoryStream();
        var random = 0;
        using (var lines = new StderrLines(stream, _ => Interlocked.Increment(ref random) % 3 != 0))
        {
            for (var i = 0; i < 2000; i++)
            {
                lines.Write(Encoding.ASCII.GetBytes($"{i}\n"));
            }
        }

        Assert.Equal(
            string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i}\n")), Encoding.ASCII.GetString(stream.ToArray()));
    }
}
