using System.Text;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>Traffic of one kind.</summary>
/// <param name="Events">Events of a streamed answer; 0 asks for a whole answer.</param>
/// <param name="Pace">Between two events.</param>
/// <param name="Rate">Requests a second, whatever becomes of the earlier ones.</param>
/// <param name="Duration">Of one round, for which requests are sent.</param>
internal sealed record LoadScenario(string Name, int BodyBytes, int Events, TimeSpan Pace, int Rate, TimeSpan Duration)
{
    public const string Model = "claude-sonnet-4-6";
    private const int EventsAroundText = 5;

    public static readonly LoadScenario[] All =
    [
        new("small: 1 kB up, a whole answer", 1_000, 0, TimeSpan.Zero, 1000, TimeSpan.FromSeconds(4)),
        new("typical: 90 kB up, 60 events down", 90_000, 60, TimeSpan.Zero, 200, TimeSpan.FromSeconds(4)),
        new(
            "slow streams: 50 events 100 ms apart",
            2_000,
            50,
            TimeSpan.FromMilliseconds(100),
            60,
            TimeSpan.FromSeconds(6)),
    ];

    public byte[] Body() => JsonSerializer.SerializeToUtf8Bytes(new
    {
        model = Model,
        max_tokens = 1024,
        stream = Events > 0,
        messages = new[] { new { role = "user", content = string.Concat(
            Enumerable.Repeat("many words ", BodyBytes / 11)) } },
    });

    /// <summary>The upstream's answer, event by event.</summary>
    public byte[][] Answer() => Events > 0
        ? [.. FakeUpstream.MessageEvents(
            Model, string.Join(' ', Enumerable.Repeat("some-words-of-an-answer", Events - EventsAroundText)))]
        : [Encoding.UTF8.GetBytes(
            """{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hello there"}],"stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":5}}""")];
}
