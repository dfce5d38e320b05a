using System.Net;
using System.Text;
using ClaudeGateway.Credentials;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class CloudBodyTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(4_090)]
    [InlineData(70_000)]
    [InlineData(3_000_000)]
    public async Task A_whole_answer_is_kept_as_it_came_and_stored_once(int length)
    {
        var json = $$"""{"text":"{{new string('é', length)}}","n":1}""";
        using var response = Answer(Encoding.UTF8.GetBytes(json));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = CloudBody.ReadJsonAsync(response, Watch, default);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var read = await reading;

        Assert.Equal(json, Encoding.UTF8.GetString(read));
        // What it was read for is all that is there when it is read; a large one is judged on another thread.
        Assert.InRange(allocated, 0, read.Length + 80_000);
        using var answer = new WholeAnswer(null!, null, 200, read);
        Assert.Equal(json, await CloudCalls.BodyAsync(answer));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("<html>")]
    public async Task What_is_no_object_is_the_upstreams_failure(string text)
    {
        foreach (var padding in (int[])[0, 5_000, 600_000])
        {
            using var response = Answer(Encoding.UTF8.GetBytes(new string(' ', padding) + text));

            var failure =
                await Assert.ThrowsAsync<UpstreamUnavailableException>(() =>
                CloudBody.ReadJsonAsync(response, Watch, default));
            Assert.Equal(UpstreamFault.UnusableAnswer, failure.Fault);
        }
    }

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(600_000, true)]
    public async Task A_large_answer_is_not_judged_on_the_thread_that_read_it(int length, bool leaves)
    {
        var context = new CountingContext();
        using var response = Answer(Encoding.UTF8.GetBytes($$"""{"text":"{{new string('a', length)}}"}"""));
        var task = await Task.Run(() =>
        {
            // Everything is there, so that only who leaves the thread on purpose has to come back to its context.
            SynchronizationContext.SetSynchronizationContext(context);
            return Task.FromResult(CloudBody.ReadJsonAsync(response, Watch, default));
        });

        await task;
        Assert.Equal(leaves, context.Posts > 0);
    }

    private static BodyWatch Watch => new(TimeSpan.FromMinutes(5), TimeProvider.System);

    private static HttpResponseMessage Answer(byte[] body) =>
        new(HttpStatusCode.OK) { Content = new ByteArrayContent(body) };

    private sealed class CountingContext : SynchronizationContext
    {
        private int _posts;

        public int Posts => _posts;

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _posts);
            base.Post(d, state);
        }
    }
}
