using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Messages;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Jose;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using ConfigTests = ClaudeGateway.Tests.Config;

namespace ClaudeGateway.Tests.Fuzzing;

/// <summary>
/// What a hostile client or a broken upstream can send, and what must hold whatever it is. A broken promise is an
/// exception.
/// </summary>
internal static class FuzzTargets
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = int.MaxValue };
    private static readonly SessionTokens Tokens = new(
        new SessionSecrets([new Secret(TestConfig.JwtSecret)]), null, TimeSpan.FromHours(1), TimeProvider.System);
    private static readonly string Bearer = Tokens.Mint(
        new Identity("alice", "alice@example.com", "Alice", ["eng"]), "s1").Token;

    private static readonly byte[][] Bodies = Corpus("body-*.json");
    private static readonly byte[][] Streams = Corpus("stream-*.sse");

    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new Dictionary<string, FuzzTarget>
    {
        ["request body"] = new(Bodies, CheckBody),
        ["body edit"] = new(Bodies, CheckEdit),
        ["Bedrock body"] = new(Bodies, CheckBedrockBody),
        ["billing tag"] = new(Bodies, CheckBillingTag),
        ["usage of a stream"] = new(Streams, (bytes, random) => CheckUsage("text/event-stream", bytes, random)),
        ["usage of an answer"] = new(Corpus("answer.json"), CheckAnswer),
        ["events of a cloud"] = new(
            Streams, (bytes, random) => CheckTranslator(() => new SseTranslator([]), bytes, random)),
        ["frames of Bedrock"] = new(
            [.. Streams.Select(Frames)],
            (bytes, random) => CheckTranslator(() => new BedrockTranslator([]), bytes, random)),
        ["events in frames"] = new(
            Streams, (bytes, random) => CheckTranslator(() => new BedrockTranslator([]), Frames(bytes), random)),
        ["gateway.yaml"] = new([Encoding.UTF8.GetBytes(ConfigTests.Yaml.Minimal)], CheckConfig),
        ["bearer"] = new([Encoding.ASCII.GetBytes(Bearer)], CheckBearer),
    };

    private static byte[][] Corpus(string files) =>
        [.. Directory.GetFiles(Repository.File("test/ClaudeGateway.Tests/Fuzzing/Corpus"), files)
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    /// <summary>
    /// The parser of the framework decides what JSON is; of that, the gateway takes an object with one model.
    /// </summary>
    private static void CheckBody(byte[] bytes, FuzzRandom random)
    {
        var (request, error) = MessagesRequest.Read(bytes);
        Assert.Equal(request is null, error is not null);
        var members = Members(bytes);
        if (members is null || members.Count(m => m.Is("model")) != 1)
        {
            Assert.Null(request);
            return;
        }

        var model = members.Single(m => m.Is("model")).Value;
        Assert.Equal(
            model.Length > 2 && model.StartsWith('"') && members.Count(m => m.Is("tags")) < 2, request is not null);
        if (request is not null)
        {
            Assert.Equal(model, Encoding.Latin1.GetString(bytes.AsSpan(request.ModelValue)));
        }
    }

    /// <summary>
    /// Members that are not edited keep their bytes and their order, and an edit of nothing changes nothing.
    /// </summary>
    private static void CheckEdit(byte[] bytes, FuzzRandom random)
    {
        if (MessagesRequest.Read(bytes).Request is null)
        {
            return;
        }

        Assert.Equal(bytes, Joined(new JsonEdit(bytes).Remove("absent"u8).Apply()));
        var table = MessagesRequest.Read(bytes).Request!.Members;
        Assert.Equal(Members(bytes)!.Select(m => m.Value),
            Enumerable.Range(0, table.Count).Select(index => Encoding.Latin1.GetString(table.Value(index))));
        var edited =
            Joined(new JsonEdit(table).Remove("tags"u8).Replace("model"u8, "\"new\""u8.ToArray())
            .Add("first"u8, "[1]"u8.ToArray()).Apply());
        var expected = Members(bytes)!.Where(m => !m.Is("tags"))
            .Select(m => m.Is("model") ? m with { Value = "\"new\"" } : m);
        Assert.Equal([new Member("first", "[1]"), .. expected], Members(edited)!);

        var range = MessagesRequest.Read(bytes).Request!.ModelValue;
        Assert.Equal(
            [.. bytes[..range.Start], .. "\"new\""u8, .. bytes[range.End..]],
            Joined(new JsonEdit(bytes).Replace("model"u8, "\"new\""u8.ToArray()).Apply()));
    }

    private static void CheckBedrockBody(byte[] bytes, FuzzRandom random)
    {
        if (MessagesRequest.Read(bytes).Request is not { Members: { } table })
        {
            return;
        }

        BedrockBody.FindReservedField(table);
        foreach (var edited in new[] { BedrockBody.Invoke(table, ["a-beta"]), BedrockBody.Count(table, []) })
        {
            var members = Members(Joined(edited))!;
            Assert.DoesNotContain(members, m => m.Is("model") || m.Is("tags"));
            Assert.Contains(members, m => m.Is("anthropic_version"));
        }
    }

    private static void CheckBillingTag(byte[] bytes, FuzzRandom random)
    {
        if (MessagesRequest.Read(bytes).Request is { } request)
        {
            var tag = BillingTag.Read(request, "team", new Principal("alice", null, null, ["eng"])
            {
                ExpiresAt = DateTimeOffset.MaxValue,
            });
            Assert.True(tag.Group is null or "eng");
        }
    }

    private static void CheckUsage(string? contentType, byte[] bytes, FuzzRandom random) =>
        ReadUsage(contentType, bytes, random);

    /// <summary>Of an answer that is JSON, what is read is its own last <c>usage</c>.</summary>
    private static void CheckAnswer(byte[] bytes, FuzzRandom random)
    {
        var usage = ReadUsage(null, bytes, random);
        if (Members(bytes)?.LastOrDefault(m => m.Name == "usage").Value is { } raw && raw.StartsWith('{'))
        {
            var json = new Utf8JsonReader(Encoding.Latin1.GetBytes(raw));
            try
            {
                json.Read();
                Assert.Equal(
                    ReportedUsage.Read(ref json) is { } own ? own.ToTokenUsage(own.Output ?? 0) : new TokenUsage
                    {
                        Output = (bytes.Length + 3) / 4,
                    },
                    usage);
            }
            catch (JsonException)
            {
                // Deeper than usage is read.
            }
        }
    }

    private static TokenUsage ReadUsage(string? contentType, byte[] bytes, FuzzRandom random)
    {
        var whole = UsageReader.For(contentType);
        whole.Read(bytes);
        var usage = whole.Finish();
        Assert.True(
            usage is
            {
                Input: >= 0, Output: >= 0, CacheRead: >= 0, CacheWrite5m: >= 0, CacheWrite1h: >= 0,
                WebSearches: >= 0
            });

        var cut = UsageReader.For(contentType);
        foreach (var piece in random.Cut(bytes))
        {
            cut.Read(piece.Span);
        }

        Assert.Equal(usage, cut.Finish());
        return usage;
    }

    /// <summary>The same events and the same failure in any chunking, and nothing but whole events.</summary>
    private static void CheckTranslator(Func<EventTranslator> create, byte[] bytes, FuzzRandom random)
    {
        var whole = Translate(create(), [bytes]);
        var cut = Translate(create(), random.Cut(bytes));
        Assert.Equal(whole, cut);
        Assert.True(whole.Events.Length == 0 || whole.Events.EndsWith("\n\n", StringComparison.Ordinal));
        Assert.DoesNotContain('\r', whole.Events);
    }

    private static (string Events, string? Failure) Translate(
        EventTranslator translator, IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        var events = new ArrayBufferWriter<byte>();
        StreamFailure? failure = null;
        foreach (var piece in pieces)
        {
            if ((failure = translator.Translate(piece.Span, events)) is not null)
            {
                break;
            }
        }

        failure ??= translator.End(events);
        return (Encoding.Latin1.GetString(events.WrittenSpan), failure?.Detail);
    }

    /// <summary>A configuration or problems, each in one line.</summary>
    private static void CheckConfig(byte[] bytes, FuzzRandom random)
    {
        var result = GatewayConfigReader.Read("gateway.yaml", bytes, ConfigTests.Yaml.Environment(("A", "x")));
        Assert.Equal(result.Config is null, result.Errors.Count > 0);
        Assert.DoesNotContain(result.Errors, error => error.Contains('\n', StringComparison.Ordinal));
    }

    private static void CheckBearer(byte[] bytes, FuzzRandom random)
    {
        var text = Encoding.UTF8.GetString(bytes);
        Assert.True(Tokens.Verify(text) is null || text == Bearer);
        Assert.True(SignedToken.Read(text) is null or { Payload.ValueKind: JsonValueKind.Object });
    }

    /// <summary>Each event of the stream as Bedrock frames it; what is no event is framed all the same.</summary>
    private static byte[] Frames(byte[] stream) =>
        [.. Encoding.Latin1.GetString(stream).Split("\n\n").SelectMany(text => Frame(text.Split("data: ", 2)[^1]))];

    private static byte[] Frame(string latin1) =>
        EventStreamFrames.Frame(
            Encoding.ASCII.GetBytes($$"""{"bytes":"{{Convert.ToBase64String(Encoding.Latin1.GetBytes(latin1))}}"}"""),
            (":event-type", "chunk"), (":message-type", "event"));

    private static byte[] Joined(ReadOnlyMemory<byte>[] pieces) => [.. pieces.SelectMany(piece => piece.ToArray())];

    /// <summary>
    /// The members of an object as the framework's parser finds them, or null when it is no JSON object.
    /// </summary>
    private static List<Member>? Members(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, Deep);
            return document.RootElement.ValueKind != JsonValueKind.Object ? null :
            [
                .. document.RootElement.EnumerateObject().Select(m => new Member(
                    Encoding.Latin1.GetString(JsonMarshal.GetRawUtf8PropertyName(m)), Encoding.Latin1.GetString(
                        JsonMarshal.GetRawUtf8Value(m.Value)))),
            ];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A member's bytes, as Latin-1 text.</summary>
    private readonly record struct Member(string Name, string Value)
    {
        /// <summary>Whether the name, escapes decoded, is <paramref name="name"/>.</summary>
        public bool Is(string name)
        {
            var raw = Name;
            foreach (var c in name)
            {
                var escape = raw.StartsWith("\\u", StringComparison.Ordinal) && raw.Length >= 6;
                if (escape && Convert.ToInt32(raw[2..6], 16) == c)
                {
                    raw = raw[6..];
                }
                else if (raw.StartsWith(c))
                {
                    raw = raw[1..];
                }
                else
                {
                    return false;
                }
            }

            return raw.Length == 0;
        }
    }
}

/// <summary>A corpus and the check of inputs made of it.</summary>
internal sealed record FuzzTarget(IReadOnlyList<byte[]> Corpus, Action<byte[], FuzzRandom> Check);
