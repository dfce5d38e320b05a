using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Managed;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Usage;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using ClaudeGateway.Upstreams.Responses.Quiet;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Bench;

/// <summary>The pieces of the hot path by themselves.</summary>
internal static class MicroBenchmarks
{
    private const int BodyBytes = 90_000;
    private const string Model = "claude-sonnet-4-6";

    private static readonly byte[][] Events = [
        .. FakeUpstream.MessageEvents(Model, string.Join(' ', Enumerable.Repeat("some words of an answer,", 14)))];
    private static readonly byte[] Delta = Events[2];
    private static readonly string DeltaJson = Encoding.UTF8.GetString(Delta).Split("data: ")[1].Trim();

    private static readonly BodyWatch Watch = new(TimeSpan.FromMinutes(5), TimeProvider.System);

    public static void Run(FigureBook figures)
    {
        var relayed = new RelayedStream(Delta, null, Watched);
        MicroBenchmark.Measure(figures, "relay an SSE event", relayed.Next);
        var metered = new RelayedStream(Delta, UsageReader.For("text/event-stream"), Watched);
        MicroBenchmark.Measure(figures, "relay an SSE event and read its usage", metered.Next);
        MicroBenchmark.Measure(figures, "relay an SSE event of a cloud", Relaying(new SseTranslator([]), Delta));
        MicroBenchmark.Measure(
            figures, "relay a Bedrock frame", Relaying(new BedrockTranslator([]), EventStreamFrames.Chunk(DeltaJson)));
        MicroBenchmark.Measure(
            figures, $"usage of a stream of {Events.Length} events", () => ReadUsage("text/event-stream", Events));
        var answer = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                type = "message",
                content = new[] { new { type = "text", text = new string('a', 4000) } },
                usage = new { input_tokens = 10, output_tokens = 1000 }
            });
        MicroBenchmark.Measure(
            figures, "usage of a whole answer of 4 kB", () => ReadUsage("application/json", [answer]));
        MeasureBodies(figures);
        MeasureDecisions(figures);
    }

    private static WatchedBody Watched(Stream body) => new(body, Watch, _ => { }) { EventsFor = "req-1" };

    private static Action Relaying(EventTranslator translator, byte[] bytes) =>
        new RelayedStream(
            bytes, null, body => new CloudStream(body, translator, "req-1", Watch, _ => { })).Next;

    private static void ReadUsage(string contentType, byte[][] pieces)
    {
        var reader = UsageReader.For(contentType);
        foreach (var piece in pieces)
        {
            reader.Read(piece);
        }

        reader.Finish();
    }

    private static void MeasureBodies(FigureBook figures)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                model = Model,
                max_tokens = 1024,
                stream = true,
                tags = new { team = "eng" },
                messages = new[] { new { role = "user", content = string.Concat(
                    Enumerable.Repeat("one \"two\" three\n", BodyBytes / 18)) } }
            });
        var members = MessagesRequest.Read(body).Request!.Members;
        var name = JsonEdit.String("claude-sonnet-4-6@20250929");
        MicroBenchmark.Measure(figures, "check a body of 90 kB", () => MessagesRequest.Read(body));
        MicroBenchmark.Measure(
            figures,
            "check a body of 90 kB and every model it names",
            () => MessagesRequest.Read(body, new NestedModels(_ => null)));
        MicroBenchmark
            .Measure(figures, "rewrite the model and cut the tags in a body of 90 kB", () =>
            new JsonEdit(members).Remove("tags"u8).Replace("model"u8, name).Apply());
        MicroBenchmark.Measure(figures, "a body of 90 kB for Bedrock", () => BedrockBody.Invoke(members, []));
    }

    private static void MeasureDecisions(FigureBook figures)
    {
        var tokens = new SessionTokens(
            new SessionSecrets([new Secret(TestConfig.JwtSecret)]), null, TimeSpan.FromHours(1), TimeProvider.System);
        var bearer = tokens.Mint(new Identity("alice", "alice@example.com", "Alice", ["eng", "everybody"]), "s1").Token;
        var session = new RequireSession(tokens, new Revocations(TimeProvider.System), TimeProvider.System);
        var headers = new HeaderDictionary { ["Authorization"] = "Bearer " + bearer };
        MicroBenchmark.Measure(figures, "verify a bearer that is new", () => tokens.Verify(bearer));
        MicroBenchmark.Measure(figures, "verify a bearer seen before", () => session.Check(headers));

        var config = LoadGateway.Config();
        var policies = new ManagedPolicies(config.Managed, PushedSettings.From(config, []));
        var catalog = new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels);
        var principal = session.Check(headers).Principal!;
        MicroBenchmark.Measure(
            figures,
            "find the policy of a developer and judge a model",
            () => policies.ModelsOf(principal).Check(Model, catalog.Find(Model)));
    }
}
