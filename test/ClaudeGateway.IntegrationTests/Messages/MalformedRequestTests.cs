using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>HTTP that no client sends and that two servers in a row may read in two ways.</summary>
public sealed class MalformedRequestTests
{
    [Theory]
    [InlineData("ffffffffffffffffff\r\n")]
    [InlineData("8000000000000000\r\n")]
    [InlineData("7fffffffffffffff\r\n")]
    [InlineData("zz\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("0x5\r\n")]
    [InlineData(" 5\r\nhello\r\n")]
    [InlineData("5\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhelloX0\r\n\r\n")]
    [InlineData("5;ext=\"\n\"\r\nhello\r\n0\r\n\r\n")]
    public async Task Chunks_that_cannot_be_read_are_400_or_413(string chunks)
    {
        await using var scene = await Scene.StartAsync();
        foreach (var (path, type) in new[] { ("/v1/messages", "application/json"), ("/v1/metrics", "application/json"),
            ("/oauth/token", "application/x-www-form-urlencoded") })
        {
            var answer = await SendAsync(
                scene,
                $"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {scene.Bearer}\r\nContent-Type: "
                    + $"{type}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            Assert.True(
                answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal)
                || answer.StartsWith("HTTP/1.1 413", StringComparison.Ordinal),
                $"{path} {chunks}: "
                    + $"{answer}{string.Join("\n", scene.Gateway.Log.Lines.Where(line => line.Contains(" failed: ", StringComparison.Ordinal)))}");
        }

        Assert.Empty(scene.Upstream.Requests);
        Assert.DoesNotContain(scene.Gateway.Log.Lines, line => line.Contains(" failed: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("x\u0001y: 1")]
    [InlineData("x\u007fy: 1")]
    [InlineData("x(y): 1")]
    [InlineData("\"x\": 1")]
    [InlineData("x/y: 1")]
    [InlineData("x y: 1")]
    [InlineData("x : 1")]
    [InlineData(": 1")]
    [InlineData("x")]
    [InlineData("x: a\u0000b")]
    [InlineData("x: 1\n y: 2")]
    [InlineData("Content-Length: 1\r\nContent-Length: 2")]
    [InlineData("Content-Length: 1, 2")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 0x1")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Transfer-Encoding: gzip")]
    [InlineData("Transfer-Encoding: chunked, identity")]
    [InlineData("Transfer-Encoding: xchunked")]
    [InlineData("Transfer-Encoding: gzip, chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")]
    public async Task A_head_that_is_none_is_400(string field)
    {
        await using var scene = await Scene.StartAsync();

        var answer = await SendAsync(scene, $"POST /oauth/token HTTP/1.1\r\nHost: gateway\r\n{field}\r\n\r\n");

        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
    }

    /// <summary>
    /// A sign before the length is read as the number it is, so what follows the body is the next request and not part
    /// of this one.
    /// </summary>
    [Theory]
    [InlineData("+19")]
    [InlineData("0019")]
    public async Task A_length_in_another_spelling_means_that_length(string length)
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync(Encoding.ASCII.GetBytes(
            "POST /oauth/token HTTP/1.1\r\nHost: gateway\r\nContent-Type: "
                + $"application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
            + "grant_type=nonsenseGET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"));

        var answers = await client.ToEndAsync();
        Assert.Contains("unsupported_grant_type", answers, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", answers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_with_a_length_and_chunks_is_read_by_its_chunks_and_is_the_last_of_its_connection()
    {
        await using var scene = await Scene.StartAsync();
        using var client = scene.Connect();

        await client.SendAsync(Encoding.ASCII.GetBytes(
            "POST /oauth/token HTTP/1.1\r\nHost: gateway\r\nContent-Type: "
                + "application/x-www-form-urlencoded\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "13\r\ngrant_type=nonsense\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n"));

        Assert.EndsWith("""{"error":"unsupported_grant_type"}""", await client.ToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /healthz HTTP/1.1\nHost: gateway\n\n")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: gateway\nx: y\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\nHost: gateway\r\n\r\n")]
    public async Task Lines_end_in_CR_LF(string request)
    {
        await using var scene = await Scene.StartAsync();
        Assert.StartsWith("HTTP/1.1 400", await SendAsync(scene, request), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("connection", "x-forwarded-for")]
    [InlineData("keep-alive", "timeout=5")]
    [InlineData("proxy-connection", "close")]
    [InlineData("upgrade", "websocket")]
    [InlineData("te", "gzip")]
    public async Task Over_HTTP_2_fields_of_an_HTTP_1_connection_are_refused(string name, string value)
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        using var files = new CertificateFiles("localhost");
        var config = TestConfig.Create(idp, [upstream]);
        await using var gateway = await GatewayHost.StartAsync(
            config with { Listen = config.Listen with { Tls = new TlsConfig(files.CertificatePath, files.KeyPath) } });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, gateway.Url.Port);
        await using var tls = new SslStream(client.GetStream());
        var options = files.ClientOptions();
        options.ApplicationProtocols = [SslApplicationProtocol.Http2];
        await tls.AuthenticateAsClientAsync(options);

        await tls.WriteAsync(Http2Request(("x-good", "1")));
        Assert.Equal("200", await Http2StatusAsync(tls));
        await tls.WriteAsync(Http2Headers(3, ("x-good", "1"), (name, value)));
        Assert.Contains(await Http2StatusAsync(tls), new[] { "400", "reset" });
    }

    private static async Task<string> SendAsync(Scene scene, string request)
    {
        using var client = scene.Connect();
        await client.SendAsync(Encoding.Latin1.GetBytes(request));
        return await client.UntilAsync("\r\n\r\n");
    }

    /// <summary>Preface, settings and a first request.</summary>
    private static byte[] Http2Request(params (string Name, string Value)[] fields) =>
        [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, 0, []), .. Http2Headers(1, fields)];

    /// <summary>GET /healthz as one HEADERS frame of literal fields (RFC 7541 section 6.2.2).</summary>
    private static byte[] Http2Headers(int stream, params (string Name, string Value)[] fields)
    {
        (string, string)[] all = [
            (":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/healthz"), .. fields];
        byte[] block = [.. all.SelectMany(field => (byte[])[0, .. Text(field.Item1), .. Text(field.Item2)])];
        return Frame(1, 0x5, stream, block);
    }

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload) =>
        [
            (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0,
            (byte)stream, .. payload];

    /// <summary>The status of the next answer, or "reset" when the stream or the connection is refused.</summary>
    private static async Task<string> Http2StatusAsync(SslStream tls)
    {
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        var head = new byte[9];
        while (true)
        {
            await tls.ReadExactlyAsync(head, timeout.Token);
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await tls.ReadExactlyAsync(payload, timeout.Token);
            switch (head[3])
            {
                case 3 or 7:
                    return "reset";
                case 1:
                    // Of the static table (RFC 7541 appendix A), after any change of the dynamic table's size.
                    var first = Array.Find(payload, b => (b & 0xe0) != 0x20);
                    return first switch { 0x88 => "200", 0x8c => "400", _ => $"{first:x}" };
            }
        }
    }
}
