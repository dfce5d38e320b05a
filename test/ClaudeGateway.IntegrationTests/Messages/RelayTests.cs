using System.IO.Compression;
using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

public sealed class RelayTests
{
    [Fact]
    public async Task An_answer_that_breaks_off_after_its_headers_is_made_good_by_the_next_upstream()
    {
        await using var scene = await Scene.StartAsync(2);
        scene.Upstreams[0].Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            // Its headers have been taken before it breaks.
            await Assert.ThrowsAsync<TimeoutException>(
                () => scene.Upstreams[1].Server.RequestCountAsync(1).WaitAsync(TimeSpan.FromMilliseconds(200)));
            e.Reset();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("up1", (await scene.Gateway.Log.AuditAsync("inference")).GetProperty("upstream").GetString());
    }

    [Fact]
    public async Task An_event_arrives_while_the_upstream_is_still_open()
    {
        await using var scene = await Scene.StartAsync();
        var eventSeen = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: 1\n\n");
            await eventSeen.Task;
            await e.WriteAsync("data: 2\n\n");
            await e.EndAsync();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[100];
        var read = await body.ReadAsync(buffer);
        eventSeen.SetResult();

        Assert.Equal("data: 1\n\n", Encoding.UTF8.GetString(buffer, 0, read));
        Assert.Equal("data: 2\n\n", await new StreamReader(body).ReadToEndAsync());
    }

    [Theory]
    [InlineData("9\r\ndata: 1\n\n\r\n1")]
    [InlineData("9\r\ndata: 1\n\n\r\n14\r\n")]
    [InlineData("9\r\ndata: 1\n\n\r\n14\r\ndata: 2")]
    public async Task An_event_does_not_wait_for_the_rest_of_the_chunk_after_it(string bytes)
    {
        await using var scene = await Scene.StartAsync();
        var eventSeen = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteRawAsync(Encoding.ASCII.GetBytes(bytes));
            await eventSeen.Task;
            e.Close();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte["data: 1\n\n".Length];
        await body.ReadExactlyAsync(buffer).AsTask().WaitAsync(Signal.Timeout);
        eventSeen.SetResult();

        Assert.Equal("data: 1\n\n", Encoding.UTF8.GetString(buffer));
    }

    [Fact]
    public async Task A_body_with_a_length_that_comes_after_its_head_arrives_whole()
    {
        await using var scene = await Scene.StartAsync();
        var beginningSeen = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.WriteRawAsync(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"u8.ToArray());
            await beginningSeen.Task;
            await e.WriteRawAsync("\"z\": 1}"u8.ToArray());
            await e.EndAsync();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);
        beginningSeen.SetResult();

        Assert.Equal("{\"z\": 1}", await response.Content.ReadAsStringAsync().WaitAsync(Signal.Timeout));
    }

    [Fact]
    public async Task A_whole_answer_keeps_its_length()
    {
        await using var scene = await Scene.StartAsync();

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        Assert.True(response.Content.Headers.ContentLength > 0);
        Assert.Null(response.Headers.TransferEncodingChunked);
    }

    [Theory]
    [InlineData("gzip, br", "gzip")]
    [InlineData("br", null)]
    [InlineData("gzip;q=0", null)]
    [InlineData("", null)]
    public async Task A_compressed_answer_passes_when_the_client_takes_it_and_is_decoded_when_not(
        string accepted, string? received)
    {
        await using var scene = await Scene.StartAsync();
        var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            await gzip.WriteAsync("{\"z\": 1}"u8.ToArray());
        }

        scene.Upstream.Next(
            e =>
                e.RespondAsync(
                    200, packed.ToArray(), ("content-type", "application/json"), ("content-encoding", "gzip")));

        using var response = await scene.Gateway.SendMessageAsync(
            scene.Bearer, headers: accepted.Length == 0 ? [] : [("accept-encoding", accepted)]);

        Assert.Equal(received, response.Content.Headers.ContentEncoding.SingleOrDefault());
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(received is null ? "{\"z\": 1}"u8.ToArray() : packed.ToArray(), body);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_event_of_a_compressed_stream_arrives_when_it_comes(string coding)
    {
        await using var scene = await Scene.StartAsync();
        using var seen = new SemaphoreSlim(0);
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"), ("content-encoding", coding));
            var packed = new MemoryStream();
            await using Stream packing = coding switch
            {
                "gzip" => new GZipStream(packed, CompressionMode.Compress, leaveOpen: true),
                "deflate" => new ZLibStream(packed, CompressionMode.Compress, leaveOpen: true),
                _ => new BrotliStream(packed, CompressionMode.Compress, leaveOpen: true),
            };
            for (var i = 1; i <= 3; i++)
            {
                await packing.WriteAsync(Encoding.UTF8.GetBytes($"data: {i}\n\n"));
                await packing.FlushAsync();
                await e.WriteAsync(packed.ToArray());
                packed.SetLength(0);
                await seen.WaitAsync(Signal.Timeout);
            }

            await packing.DisposeAsync();
            await e.WriteAsync(packed.ToArray());
            await e.EndAsync();
        });

        using var response = await scene.Gateway.SendMessageAsync(
            scene.Bearer, stream: true, headers: ("accept-encoding", "gzip, deflate, br, zstd"));
        var body = await response.Content.ReadAsStreamAsync();
        for (var i = 1; i <= 3; i++)
        {
            var read = new byte["data: 1\n\n".Length];
            await body.ReadExactlyAsync(read).AsTask().WaitAsync(Signal.Timeout);
            Assert.Equal($"data: {i}\n\n", Encoding.UTF8.GetString(read));
            seen.Release();
        }

        Assert.Equal(0, await body.ReadAsync(new byte[1]));
        Assert.Empty(response.Content.Headers.ContentEncoding);
        Assert.Equal("gzip, deflate, br", scene.Upstream.Requests[0].Header("accept-encoding"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_answer_that_is_not_in_the_coding_it_names_is_cut_off(string coding)
    {
        await using var scene = await Scene.StartAsync();
        // It begins as the coding does: one that does not is no answer at all.
        byte[] mark = coding == "gzip" ? [0x1f, 0x8b] : coding == "deflate" ? [0x78, 0x9c] : [];
        scene.Upstream
            .Next(e =>
            e.RespondAsync(200, [.. mark, .. Enumerable.Repeat(coding == "br" ? (byte)'z' : (byte)0xff, 5000)],
            ("content-type", "application/json"), ("content-encoding", coding)));

        await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
        {
            using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);
            await response.Content.ReadAsByteArrayAsync();
        });

        Assert.Equal(
            "upstream_cut", (await scene.Gateway.Log.AuditAsync("inference.end")).GetProperty("end").GetString());
    }

    [Fact]
    public async Task Headers_of_the_upstreams_own_network_and_login_stay_behind()
    {
        await using var scene = await Scene.StartAsync();
        scene.Upstream.Headers =
        [
            ("set-cookie", "a=b"), ("www-authenticate", "Basic"), ("proxy-authenticate", "Basic"),
            ("strict-transport-security", "max-age=1"), ("x-frame-options", "SAMEORIGIN"),
            ("content-security-policy", "x"), ("server", "up"), ("alt-svc", "h3=\":1\""),
            ("location", "http://internal/"), ("keep-alive", "timeout=5"), ("x-custom", "é"), ("x-two", "1"),
            ("x-two", "2"),
        ];

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        var names = response.Headers.NonValidated.Select(h => h.Key.ToUpperInvariant()).ToArray();
        Assert.Empty(
            names.Intersect(
                [
                    "SET-COOKIE", "WWW-AUTHENTICATE", "PROXY-AUTHENTICATE", "STRICT-TRANSPORT-SECURITY",
                    "CONTENT-SECURITY-POLICY", "SERVER", "ALT-SVC", "LOCATION", "KEEP-ALIVE"]));
        Assert.Equal("DENY", response.Headers.NonValidated["x-frame-options"].ToString());
        Assert.Equal(["1", "2"], response.Headers.NonValidated["x-two"]);
        // The header's bytes: HTTP clients read them as Latin-1.
        Assert.Equal(
            "é",
            Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(response.Headers.NonValidated["x-custom"].ToString())));
    }

    [Fact]
    public async Task A_renamed_model_leaves_every_other_byte_alone()
    {
        await using var scene = await Scene.StartAsync(config => config with
        {
            Models = [new ModelConfig("corp", null, null, new Dictionary<string, string> { ["anthropic"] = "up\"x" })],
        });

        using var response = await scene.PostAsync(
            """{ "big":12345678901234567890123, "f":1.0,"a":1,"a":2, "model" : "corp" ,"u":"\u00e9"}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            """{ "big":12345678901234567890123, "f":1.0,"a":1,"a":2, "model" : "up\u0022x" ,"u":"\u00e9"}""",
            scene.Upstream.Requests[0].Text);
    }

    [Fact]
    public async Task The_end_of_an_answer_is_audited()
    {
        await using var scene = await Scene.StartAsync(2);
        scene.Upstreams[0].NextError(503);

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);
        var body = await response.Content.ReadAsByteArrayAsync();

        var end = await scene.Gateway.Log.AuditAsync("inference.end");
        Assert.Equal("complete", end.GetProperty("end").GetString());
        Assert.Equal(body.Length, end.GetProperty("bytes").GetInt32());
        Assert.Equal(2, end.GetProperty("attempts").GetInt32());
        Assert.Equal(
            (await scene.Gateway.Log.AuditAsync("inference")).GetProperty("request_id").GetString(),
            end.GetProperty("request_id").GetString());
    }

    [Fact]
    public async Task Requests_beyond_the_limit_wait_for_a_place_outside_every_timeout()
    {
        await using var scene = await Scene.StartAsync(config => config with
        {
            Limits = new LimitsConfig { MaxUpstreamRequests = 1 },
            Timeouts = new TimeoutsConfig { UpstreamTtfb = TimeSpan.FromMilliseconds(100) },
        });
        var end = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: 1\n\n");
            await end.Task;
            await e.EndAsync();
        });
        using var first = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
        var waiting = scene.Gateway.SendMessageAsync(scene.Bearer);
        // Longer than the upstream may take.
        await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(TimeSpan.FromMilliseconds(300)));
        Assert.Single(scene.Upstream.Requests);
        end.SetResult();

        using var second = await waiting.WaitAsync(Signal.Timeout);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal(2, scene.Upstream.Requests.Count);
    }

    [Fact]
    public async Task Five_hundred_streams_are_open_at_once()
    {
        const int Streams = 500;
        await using var scene = await Scene.StartAsync();
        var all = new TaskCompletionSource();
        var open = 0;
        scene.Upstream.Script = async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: 1\n\n");
            if (Interlocked.Increment(ref open) == Streams)
            {
                all.SetResult();
            }

            await all.Task.WaitAsync(Signal.Timeout);
            await e.EndAsync();
        };

        var bodies = await Task.WhenAll(Enumerable.Range(0, Streams).Select(async _ =>
        {
            using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
            return await response.Content.ReadAsStringAsync();
        }));

        Assert.All(bodies, body => Assert.Equal("data: 1\n\n", body));
    }
}
