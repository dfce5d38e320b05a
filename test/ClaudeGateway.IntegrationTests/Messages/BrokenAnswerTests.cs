using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>
/// Whatever another system answers is its failure, never the gateway's: the next upstream is asked, and no status is
/// 500.
/// </summary>
public sealed class BrokenAnswerTests
{
    private const string OkJson = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    private const string Json = """{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}""";

    /// <summary>Answers that no client of HTTP can take, or that are no answer of a model.</summary>
    private static readonly (string Name, string Head, string Body)[] Unusable =
    [
        ("a negative length", $"{OkJson}\r\ncontent-length: -5", Json),
        ("two lengths",
            $"{OkJson}\r\ncontent-length: {Json.Length}\r\ncontent-length: 7",
            Json),
        ("two lengths in one field",
            $"{OkJson}\r\ncontent-length: {Json.Length}, 7", Json),
        ("a length with a sign", $"{OkJson}\r\ncontent-length: +{Json.Length}",
            Json),
        ("a length in words", $"{OkJson}\r\ncontent-length: many", Json),
        ("an empty length", $"{OkJson}\r\ncontent-length:", Json),
        ("a length beyond 63 bits",
            $"{OkJson}\r\ncontent-length: 99999999999999999999", Json),
        ("a chunk beyond 63 bits", $"{OkJson}\r\ntransfer-encoding: chunked",
            $"fffffffffffffffff\r\n{Json}"),
        ("a negative chunk", $"{OkJson}\r\ntransfer-encoding: chunked",
            $"-1\r\n{Json}"),
        ("a chunk without a size", $"{OkJson}\r\ntransfer-encoding: chunked",
            $"\r\n{Json}"),
        ("no status line", "hello", Json),
        ("another protocol", "SSH-2.0-OpenSSH_9.6", Json),
        ("a status of letters", "HTTP/1.1 2x0 OK\r\ncontent-type: application/json", Json),
        ("a status of four digits", "HTTP/1.1 2000 OK\r\ncontent-type: application/json", Json),
        ("a negative status", "HTTP/1.1 -20 OK\r\ncontent-type: application/json", Json),
        ("a status below all", "HTTP/1.1 000 OK\r\ncontent-type: application/json\r\ncontent-length: 0", ""),
        ("a status above all", "HTTP/1.1 999 OK\r\ncontent-type: application/json\r\ncontent-length: 0", ""),
        ("another version", "HTTP/9.9 200 OK\r\ncontent-type: application/json", Json),
        ("a change of protocol", "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade", ""),
        ("a header without a name", "HTTP/1.1 200 OK\r\n: x\r\ncontent-type: application/json", Json),
        ("a header without a colon", "HTTP/1.1 200 OK\r\nno colon here\r\ncontent-type: application/json", Json),
        ("a header with a blank in its name", "HTTP/1.1 200 OK\r\na b: x\r\ncontent-type: application/json", Json),
        ("a header with a control in its name", "HTTP/1.1 200 OK\r\na\u0001b: x\r\ncontent-type: application/json",
            Json),
        ("a page", "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8",
            "<!DOCTYPE html><html><body>Sign in to the network</body></html>"),
        ("a page with blanks before it", "HTTP/1.1 200 OK\r\ncontent-type: TEXT/HTML",
            "\r\n \t<HTML><meta http-equiv=refresh>"),
        ("a page after a comment", "HTTP/1.1 200 OK\r\ncontent-type: text/html", "<!-- portal --><html>"),
        ("a page of XML", "HTTP/1.1 203 OK\r\ncontent-type: application/xhtml+xml",
            "\u00ef\u00bb\u00bf<?xml version=\"1.0\"?><html/>"),
        ("a page in chunks", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked",
            "3\r\n<!d\r\n10\r\noctype html><htm\r\n0\r\n\r\n"),
        ("no gzip", $"{OkJson}\r\ncontent-encoding: gzip", "no gzip"),
        ("no deflate", $"{OkJson}\r\ncontent-encoding: deflate", "no deflate"),
        ("a compressed page", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: gzip",
            "\u001f\u008b\u0008\u0000"),
    ];

    /// <summary>Odd, yet answers: the client gets a status of the upstream's or the next upstream is asked.</summary>
    private static readonly (string Name, string Head, string Body)[] Odd =
    [
        ("no gzip of a refusal", "HTTP/1.1 400 No\r\ncontent-type: application/json\r\ncontent-encoding: gzip",
            "no gzip"),
        ("no brotli", $"{OkJson}\r\ncontent-encoding: br", "no brotli"),
        ("an unknown coding", $"{OkJson}\r\ncontent-encoding: \u00ff, zstd",
            Json),
        ("a control in a value",
            $"{OkJson}\r\nx-note: a\u0001b\u007f\r\nretry-after: \u0002",
            Json),
        ("an unreadable value",
            $"HTTP/1.1 429 OK\r\ncontent-type: application/json\r\nx-note: \u00e9\u0080\u00ff\r\nretry-after: \u00e9",
            Json),
        ("a length beside chunks",
            $"{OkJson}\r\ncontent-length: 3\r\ntransfer-encoding: chunked",
            $"{Json.Length:x}\r\n{Json}\r\n0\r\n\r\n"),
        ("the same length twice",
            $"{OkJson}\r\ncontent-length: {Json.Length}\r\ncontent-length: {Json.Length}", Json),
        ("no media type", "HTTP/1.1 200 OK\r\ncontent-type: ///", Json),
        ("an odd charset", $"{OkJson}; charset=\"\u00ff", Json),
        ("dates that are none",
            $"{OkJson}\r\ndate: never\r\nexpires: 0\r\nlast-modified: x\r\nage: -1", Json),
        ("hop headers",
            $"{OkJson}\r\nconnection: x-a, \u00ff\r\nkeep-alive: timeout=-1\r\ntrailer: content-length",
            Json),
        ("no body where there is none",
            "HTTP/1.1 204 No Content\r\ncontent-type: application/json\r\ncontent-length: 5", ""),
        ("not modified", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5", ""),
        ("a redirect nowhere", "HTTP/1.1 302 Found\r\nlocation: ::\u00ff\r\ncontent-length: 0", ""),
        ("a lone surrogate", "HTTP/1.1 400 No\r\ncontent-type: application/json",
            """{"type":"error","error":{"type":"invalid_request_error","message":"\ud800"}}"""),
        ("deep JSON", $"{OkJson}",
            $"{{\"a\":{new string('[', 5000)}{new string(']', 5000)}}}"),
        ("another JSON", $"{OkJson}", "[1]"),
        ("zeros", $"{OkJson}", "\0\0\0\0"),
        ("a fragment of HTML", "HTTP/1.1 200 OK\r\ncontent-type: text/html", "<b>"),
    ];

    public static TheoryData<string, bool> Kinds
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var kind in Configs(new Uri("http://x")).Select(config => config.Provider))
            {
                data.Add(kind, false);
                data.Add(kind, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_answer_nobody_can_use_is_the_upstreams_failure(string provider, bool stream)
    {
        await using var broken = new BrokenServer();
        await using var scene = await StartAsync(provider, broken.Url);
        foreach (var answer in Unusable)
        {
            broken.Answer = answer;
            var asked = scene.Upstream.Requests.Count;

            using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: stream);

            var text = await response.Content.ReadAsStringAsync();
            Assert.Equal((answer.Name, HttpStatusCode.OK, asked + 1),
                (answer.Name, response.StatusCode, scene.Upstream.Requests.Count));
            Assert.Contains("claude-sonnet-4-6", text, StringComparison.Ordinal);
        }
    }

    public static TheoryData<string, string, string> OtherTexts
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (var kind in Configs(new Uri("http://x")).Select(config => config.Provider))
            {
                // What claims to be the Anthropic API itself may answer with a whole message.
                var type = kind == "anthropic" ? "completion" : "message";
                data.Add(
                    kind,
                    "application/json",
                    $"{{\"type\":\"{type}\",\"id\":\"msg_1\",\"content\":[{{\"text\":\"secret\"}}]}}");
                data.Add(kind, "text/event-stream", $"\r\n {{\"type\":\"{type}\",\"id\":\"msg_1\"}}");
                data.Add(kind, "text/html", "<!doctype html>\u001b[31mmsg_1");
                data.Add(kind, "text/event-stream", "<html>msg_1");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(OtherTexts))]
    public async Task Other_text_in_the_place_of_a_stream_fails_over_and_its_beginning_is_in_the_log(
        string provider, string contentType, string text)
    {
        await using var broken = new BrokenServer
        {
            Answer = ("", $"HTTP/1.1 200 OK\r\ncontent-type: {contentType}\r\ncontent-length: {text.Length}", text),
        };
        await using var scene = await StartAsync(provider, broken.Url);

        using var response = await scene.Gateway.SendMessageAsync(scene.Bearer, "claude-opus-4-7", stream: true);

        Assert.Contains("message_stop", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("next", (await scene.Gateway.Log.AuditAsync("inference")).GetProperty("upstream").GetString());
        var line = await scene.Gateway.Log.LineAsync("answered a request for a stream with other text: ");
        Assert.Contains("msg_1", line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', line);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task However_odd_an_answer_is_the_gateway_does_not_fail(string provider, bool stream)
    {
        await using var broken = new BrokenServer();
        await using var scene = await StartAsync(provider, broken.Url);
        foreach (var path in (string[])["/v1/messages", "/v1/messages/count_tokens"])
        {
            foreach (var answer in Unusable.Concat(Odd))
            {
                broken.Answer = answer;
                var body =
                    $$"""{"model":"claude-sonnet-4-6","stream":{{(stream ? "true" : "false")}},"messages":[]}""";

                using var client = scene.Connect();
                var head = Encoding.Latin1.GetString(scene.Head(body.Length));
                head = head.Replace("/v1/messages", path, StringComparison.Ordinal);
                await client.SendAsync(Encoding.Latin1.GetBytes(head), Encoding.UTF8.GetBytes(body));
                var status = (await client.UntilAsync("\r\n")).Split(' ')[1];

                Assert.NotEqual((answer.Name, "500"), (answer.Name, status));
            }
        }
    }

    /// <summary>A gateway whose first upstream is of this kind, before a good one.</summary>
    internal static Task<Scene> StartAsync(string provider, Uri url, TimeSpan? idleTimeout = null)
    {
        var broken = Configs(url).Single(upstream => upstream.Provider == provider);
        broken = broken with { IdleTimeout = idleTimeout ?? broken.IdleTimeout };
        return Scene.StartAsync(config => config with
        {
            Upstreams = [broken, .. config.Upstreams.Select(upstream => upstream with { Name = "next" })],
        });
    }

    internal static UpstreamConfig[] Configs(Uri url)
    {
        const string Name = "broken";
        const string Region = "us-east-1";
        var key = new Secret("key");
        var api = new AnthropicAuth.ApiKey(key);
        var aws = new AwsAuth { AccessKeyId = new Secret("id"), SecretAccessKey = key };
        var google = new GoogleAuth(null, new Secret("token"));
        UpstreamConfig[] configs =
        [
            new AnthropicUpstreamConfig { Name = Name, Auth = api },
            new BedrockUpstreamConfig { Name = Name, Region = Region, Auth = aws },
            new MantleUpstreamConfig { Name = Name, Region = Region, Auth = aws },
            new ClaudePlatformAwsUpstreamConfig { Name = Name, Region = Region, WorkspaceId = "w", Auth = aws },
            new ClaudeOnGoogleCloudUpstreamConfig { Name = Name, ProjectId = "p", WorkspaceId = "w", Auth = google },
            new VertexUpstreamConfig { Name = Name, ProjectId = "p", Region = "global", Auth = google },
            new FoundryUpstreamConfig { Name = Name, Resource = "r", ApiKey = key },
        ];
        return Array.ConvertAll(configs, config => config with { BaseUrl = url });
    }

    private sealed class BrokenServer : IAsyncDisposable
    {
        private readonly FakeServer _server;

        public BrokenServer() => _server = new FakeServer(RespondAsync);

        public (string Name, string Head, string Body) Answer { get; set; }

        public Uri Url => _server.Url;

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private async Task RespondAsync(FakeExchange exchange)
        {
            await exchange.WriteRawAsync(Encoding.Latin1.GetBytes($"{Answer.Head}\r\n\r\n{Answer.Body}"));
            exchange.Close();
        }
    }
}
