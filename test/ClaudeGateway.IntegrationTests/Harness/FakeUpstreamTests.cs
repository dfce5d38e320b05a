using System.Net;
using System.Text;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Harness;

public sealed class FakeUpstreamTests
{
    [Fact]
    public async Task Streams_whole_events_and_keeps_the_connection()
    {
        await using var upstream = new FakeUpstream { Text = "one two" };
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { MaxConnectionsPerServer = 1 });
        for (var i = 0; i < 2; i++)
        {
            using var response = await PostAsync(http, upstream);
            Assert.Equal(
                FakeUpstream.MessageEvents("m", "one two").SelectMany(e => e),
                await response.Content.ReadAsByteArrayAsync());
        }

        Assert.Equal(2, upstream.Requests.Count);
        Assert.Equal("m", upstream.Requests[1].Json.GetProperty("model").GetString());
    }

    [Fact]
    public async Task Queued_faults_come_first_and_once()
    {
        await using var upstream = new FakeUpstream();
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        upstream.NextError(529, "overloaded_error");
        upstream.NextReset();
        upstream.NextResetMidEvent();

        Assert.Equal(529, (int)(await PostAsync(http, upstream)).StatusCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(http, upstream));
        using var broken = await PostAsync(http, upstream);
        await Assert.ThrowsAsync<HttpRequestException>(() => broken.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(http, upstream)).StatusCode);
    }

    [Fact]
    public async Task A_stalled_upstream_sees_its_client_leave()
    {
        await using var upstream = new FakeUpstream();
        var left = new TaskCompletionSource();
        upstream.Next(async e =>
        {
            await e.StallAsync();
            left.SetResult();
        });
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        using var leave = new CancellationTokenSource();
        var request = PostAsync(http, upstream, leave.Token);
        await upstream.Server.RequestCountAsync(1);
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await left.Task.WaitAsync(Signal.Timeout);
    }

    [Fact]
    public async Task A_refusing_upstream_refuses()
    {
        await using var upstream = new FakeUpstream();
        upstream.Server.Refuse();
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(http, upstream));
    }

    private static Task<HttpResponseMessage> PostAsync(
        HttpMessageInvoker http, FakeUpstream upstream, CancellationToken cancellation = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(upstream.Url, "/v1/messages"))
        {
            Content = new StringContent("""{"model":"m","stream":true}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.TransferEncodingChunked = true;
        return http.SendAsync(request, cancellation);
    }
}
