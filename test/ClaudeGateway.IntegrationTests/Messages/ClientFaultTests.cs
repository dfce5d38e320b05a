using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>Requests that are cut off, too large, too slow, oddly framed or abandoned.</summary>
public sealed class ClientFaultTests
{
    private static readonly byte[] Body = """{"model":"claude-sonnet-4-6"}"""u8.ToArray();

    [Fact]
    public async Task A_truncated_body_reaches_no_upstream()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();
        await client.SendAsync(scene.Head(Body.Length + 100), Body);
        client.FinishSending();

        await client.ToEndAsync();

        Assert.Empty(scene.Upstream.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_the_limit_is_refused_with_413(bool chunked)
    {
        await using var scene = await Scene.StartAsync(
            config => config with { Limits = new LimitsConfig { MaxRequestBytes = 1000 } });
        using var client = scene.Connect();
        var body = Encoding.UTF8.GetBytes($$"""{"model":"claude-sonnet-4-6","x":"{{new string('a', 2000)}}"}""");

        await (
            chunked
            ? client.SendAsync(ChunkedHead(scene), Chunk(body))
            : client.SendAsync(scene.Head(body.Length), body));

        Assert.StartsWith("HTTP/1.1 413", await client.UntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Requests);
    }

    [Fact]
    public async Task A_chunked_body_is_accepted()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync(ChunkedHead(scene), Chunk(Body[..10]), Chunk(Body[10..]), Chunk([]));

        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal(Body, scene.Upstream.Requests[0].Body);
        Assert.Equal(
            Body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture),
            scene.Upstream.Requests[0].Header("content-length"));
    }

    [Fact]
    public async Task A_body_in_single_bytes_is_read_whole()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync([scene.Head(Body.Length), .. Body.Select(b => new[] { b })]);

        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync(
            [
                .. scene.Head(Body.Length, "x-client-request-id: one\r\n"),
                .. Body,
                .. scene.Head(Body.Length, "x-client-request-id: two\r\nConnection: close\r\n"),
                .. Body]);
        var answer = await client.ToEndAsync();

        Assert.Equal(2, answer.Split("HTTP/1.1 200").Length - 1);
        Assert.True(
            answer.IndexOf("request-id: one", StringComparison.Ordinal) < answer.IndexOf(
                "request-id: two", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_http_1_0_client_gets_a_stream_that_ends_with_the_connection()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();
        var body = """{"model":"claude-sonnet-4-6","stream":true}"""u8.ToArray();

        await client.SendAsync(scene.Head(body.Length, version: "1.0"), body);
        var answer = await client.ToEndAsync();

        Assert.DoesNotContain("chunked", answer, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith(
            string.Concat(FakeUpstream.MessageEvents("claude-sonnet-4-6").Select(Encoding.UTF8.GetString)),
            answer,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_request_for_the_models_has_headers_only()
    {
        await using var scene = await Scene.StartAsync();

        using var response = await scene.Gateway.SendAsync(
            HttpMethod.Head, "/v1/models", null, ("Authorization", $"Bearer {scene.Bearer}"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json;charset=utf-8",
            response.Content.Headers.NonValidated["Content-Type"].ToString());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_client_that_leaves_before_the_answer_ends_the_upstream_request()
    {
        await using var scene = await Scene.StartAsync(2);
        var left = new TaskCompletionSource();
        scene.Upstreams[0].Next(async e =>
        {
            await e.StallAsync();
            left.SetResult();
        });
        using var client = scene.Connect();
        await client.SendAsync(scene.Head(Body.Length), Body);
        await scene.Upstreams[0].Server.RequestCountAsync(1);

        client.Reset();

        await left.Task.WaitAsync(Signal.Timeout);
        var audit = await scene.Gateway.Log.AuditAsync("inference");
        Assert.Equal(499, audit.GetProperty("status").GetInt32());
        Assert.Empty(scene.Upstreams[1].Requests);
    }

    [Fact]
    public async Task A_deeply_nested_body_is_passed_on()
    {
        await using var scene = await Scene.StartAsync();
        var body = $$"""{"model":"claude-sonnet-4-6","x":{{new string('[', 5000)}}{{new string(']', 5000)}}}""";

        using var response = await scene.PostAsync(body);

        Assert.Equal(body, scene.Upstream.Requests[0].Text);
    }

    [Fact]
    public async Task Text_that_is_not_unicode_is_passed_on_byte_for_byte()
    {
        await using var scene = await Scene.StartAsync();
        byte[] body = [
            .. """{"\ud800":"\udc00","model":"claude-sonnet-4-6","x": """u8, (byte)'"', 0xff, 0xc0, 0xaf, .. "\"}"u8];
        using var client = scene.Connect();

        await client.SendAsync(scene.Head(body.Length), body);

        Assert.StartsWith("HTTP/1.1 200", await client.UntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal(body, scene.Upstream.Requests[0].Body);
    }

    [Theory]
    [InlineData("/oauth/token", "application/x-www-form-urlencoded")]
    [InlineData("/v1/logs", "application/json")]
    [InlineData("/v1/messages", "application/json")]
    public async Task Who_leaves_in_the_middle_of_his_body_is_no_failure_of_the_gateway(string path, string type)
    {
        await using var scene = await Scene.StartAsync();
        var client = scene.Connect();
        await client.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {scene.Bearer}\r\n"
                + $"Content-Type: {type}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"));
        // The gateway says so when it begins to read the body.
        await client.UntilAsync("100 Continue");
        await client.SendAsync(Body);

        client.Reset();
        await scene.Gateway.DisposeAsync();

        Assert.DoesNotContain(
            scene.Gateway.Log.Lines, line => line.Contains("failed:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_body_that_stops_coming_is_given_up_with_408()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync(scene.Head(Body.Length), Body[..10]);

        Assert.StartsWith("HTTP/1.1 408", await client.ToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(scene.Upstream.Requests);
    }

    [Theory]
    [InlineData("""{"model":"claude-sonnet-4-6","model":"claude-opus-5"}""")]
    [InlineData("""{"tags":{},"model":"claude-sonnet-4-6","tags":{}}""")]
    public async Task A_body_that_says_something_twice_is_refused(string body)
    {
        await using var scene = await Scene.StartAsync();

        using var response = await scene.PostAsync(body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Empty(scene.Upstream.Requests);
    }

    private static byte[] ChunkedHead(Scene scene) =>
        Encoding.ASCII.GetBytes(
            "POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer "
                + $"{scene.Bearer}\r\nTransfer-Encoding: chunked\r\n\r\n");

    private static byte[] Chunk(byte[] bytes) =>
        [.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes, .. "\r\n"u8];
}
