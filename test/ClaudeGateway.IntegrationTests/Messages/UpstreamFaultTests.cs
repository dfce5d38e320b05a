using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>Every way an upstream can fail, before and after its headers.</summary>
public sealed class UpstreamFaultTests
{
    private static readonly TimeoutsConfig Short = new() { UpstreamTtfb = TimeSpan.FromMilliseconds(300) };

    public static TheoryData<string> BeforeHeaders =>
        ["refuse", "reset", "close", "garbage", "half a head", "endless head", "stall", "informational only"];

    [Theory]
    [MemberData(nameof(BeforeHeaders))]
    public async Task A_fault_before_the_headers_goes_to_the_next_upstream(string fault)
    {
        await using var scene = await Scene.StartAsync(2, config => config with { Timeouts = Short });
        Inject(scene.Upstreams[0], fault);

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            FakeUpstream.MessageEvents("claude-sonnet-4-6").SelectMany(e => e),
            await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("up1", (await scene.Gateway.Log.AuditAsync("inference")).GetProperty("upstream").GetString());
    }

    [Theory]
    [MemberData(nameof(BeforeHeaders))]
    public async Task A_lone_upstreams_fault_is_a_502(string fault)
    {
        await using var scene = await Scene.StartAsync(config => config with { Timeouts = Short });
        Inject(scene.Upstream, fault);

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(
            ("api_error", "all upstreams failed (1 attempted)"),
            (error.GetProperty("type").GetString(), error.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Of_failed_upstreams_the_last_that_sent_an_id_is_audited()
    {
        await using var scene = await Scene.StartAsync(2);
        scene.Upstreams[0].NextError(500, headers: ("x-amzn-requestid", "first"));
        scene.Upstreams[1].NextError(500, headers: ("apim-request-id", "second"));

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        var audit = await scene.Gateway.Log.AuditAsync("inference");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(
            (null, "second"),
            (
                audit.GetProperty("upstream_request_id").GetString(),
                audit.GetProperty("upstream_cloud_request_id").GetString()));
    }

    [Theory]
    [InlineData(2, HttpStatusCode.OK)]
    [InlineData(1, HttpStatusCode.BadGateway)]
    public async Task A_body_that_breaks_together_with_its_headers_is_a_fault_before_them(
        int upstreams, HttpStatusCode expected)
    {
        await using var scene = await Scene.StartAsync(upstreams);
        scene.Upstream.Next(async e =>
        {
            await e.WriteRawAsync(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n"u8.ToArray());
            e.Close();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);

        Assert.Equal(expected, response.StatusCode);
    }

    /// <summary>
    /// Sent as a packet of its own, a head that ends so is the last chunk to a reader that looks for one.
    /// </summary>
    [Fact]
    public async Task No_head_of_an_answer_ends_as_a_last_chunk_does()
    {
        await using var scene = await Scene.StartAsync(1);
        scene.Upstreams[0].Next(async e =>
        {
            await e.StartAsync(
                200, ("content-type", "text/event-stream"), ("request-id", "req_0"), ("x-ends-in", "0"));
            await e.WriteAsync("data: 1\n\n");
        });

        using var client = scene.Connect();
        var body = """{"model":"claude-sonnet-4-6","stream":true}"""u8.ToArray();
        await client.SendAsync(
            scene.Head(body.Length, "x-client-request-id: request-000000\r\nConnection: close\r\n"), body);
        var answer = await client.ToEndAsync();

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nrequest-id: request-000000\r\n", answer, StringComparison.OrdinalIgnoreCase);
        var head = answer[..answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        Assert.False(head.EndsWith('0'), head);
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("close")]
    [InlineData("bad chunk")]
    public async Task A_stream_that_breaks_off_has_no_end_for_the_client_either(string fault)
    {
        await using var scene = await Scene.StartAsync(2);
        scene.Upstreams[0].Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: 1\n\n");
            // These may overtake the event; it must have arrived before.
            await (fault is "reset" or "bad chunk" ? scene.Gateway.Log.AuditAsync("inference") : Task.CompletedTask);
            await (fault == "bad chunk" ? e.WriteRawAsync("zzz\r\n"u8.ToArray()) : Task.CompletedTask);
            Break(e, fault);
        });

        using var client = scene.Connect();
        var body = """{"model":"claude-sonnet-4-6","stream":true}"""u8.ToArray();
        await client.SendAsync(scene.Head(body.Length), body);
        var answer = await client.ToEndAsync();

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("data: 1", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\n0\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.Empty(scene.Upstreams[1].Requests);
        Assert.Equal(
            "upstream_cut", (await scene.Gateway.Log.AuditAsync("inference.end")).GetProperty("end").GetString());
    }

    [Fact]
    public async Task A_whole_answer_that_breaks_off_is_too_short()
    {
        await using var scene = await Scene.StartAsync();
        scene.Upstream.Next(async e =>
        {
            await e.WriteRawAsync(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"half\":"u8.ToArray());
            e.Close();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_answer_without_a_body_passes()
    {
        await using var scene = await Scene.StartAsync();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.EndAsync();
        });

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_huge_answer_passes_through_without_being_kept()
    {
        const int Chunks = 4096;
        await using var scene = await Scene.StartAsync();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            var chunk = new byte[64 * 1024];
            for (var i = 0; i < Chunks; i++)
            {
                await e.WriteAsync(chunk);
            }

            await e.EndAsync();
        });
        var before = GC.GetTotalMemory(true);

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
        var buffer = new byte[64 * 1024];
        long total = 0;
        await using var body = await response.Content.ReadAsStreamAsync();
        for (int read; (read = await body.ReadAsync(buffer)) > 0;)
        {
            total += read;
        }

        Assert.Equal(Chunks * 64L * 1024, total);
        // Other tests run beside this one: half of what passed is room enough for them.
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, total / 2);
    }

    [Fact]
    public async Task An_upstream_that_stalls_after_its_headers_is_left_when_the_client_leaves()
    {
        await using var scene = await Scene.StartAsync(config => config with { Timeouts = Short });
        var left = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("data: 1\n\n");
            await e.StallAsync();
            left.SetResult();
        });

        using var client = scene.Connect();
        var body = """{"model":"claude-sonnet-4-6","stream":true}"""u8.ToArray();
        await client.SendAsync(scene.Head(body.Length), body);
        await client.UntilAsync("data: 1");
        client.Reset();

        await left.Task.WaitAsync(Signal.Timeout);
        Assert.Equal(
            "client_gone", (await scene.Gateway.Log.AuditAsync("inference.end")).GetProperty("end").GetString());
    }

    private static void Inject(FakeUpstream upstream, string fault)
    {
        if (fault == "refuse")
        {
            upstream.Server.Refuse();
            return;
        }

        upstream.Next(async e =>
        {
            switch (fault)
            {
                case "garbage":
                    await e.WriteRawAsync("\0\0\0 this is not HTTP\r\n\r\n"u8.ToArray());
                    break;
                case "half a head":
                    await e.WriteRawAsync("HTTP/1.1 200 OK\r\ncontent-ty"u8.ToArray());
                    break;
                case "endless head":
                    await e.WriteRawAsync(
                        Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nx: {new string('x', 1024 * 1024)}"));
                    break;
                case "informational only":
                    await e.WriteRawAsync("HTTP/1.1 103 Early Hints\r\n\r\n"u8.ToArray());
                    break;
                case "stall":
                    await e.StallAsync();
                    return;
                default:
                    break;
            }

            Break(e, fault);
        });
    }

    private static void Break(FakeExchange e, string fault)
    {
        if (fault == "close")
        {
            e.Close();
        }
        else
        {
            e.Reset();
        }
    }
}
