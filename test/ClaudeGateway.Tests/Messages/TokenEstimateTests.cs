using System.Text;
using System.Text.Json;
using ClaudeGateway.Messages;

namespace ClaudeGateway.Tests.Messages;

/// <summary>
/// The estimate against bytes per token, which is all that can be known without a provider's tokenizer: the ranges are
/// what published byte-pair tokenizers give for such text.
/// </summary>
public sealed class TokenEstimateTests
{
    [Theory]
    [InlineData(
        "The committee met on Tuesday to discuss the proposal, and after a long debate it was decided that the work "
            + "should continue until the end of the year, when the results will be reviewed again by everyone.",
        3.0, 4.8)]
    [InlineData(
        "Die Gemeinde hat beschlossen, den Spielplatz im Frühjahr zu erneuern; die Kosten übernimmt der Förderverein, "
            + "der seit Jahren Spenden dafür gesammelt hat.",
        2.4, 4.0)]
    [InlineData(
        "public static int Sum(IReadOnlyList<int> values)\n{\n    var sum = 0;\n    foreach (var value in values)\n    {\n"
            + "        sum += value;\n    }\n\n    return sum;\n}\n",
        2.2, 4.2)]
    [InlineData(
        "[{\"id\":1,\"name\":\"alpha\",\"tags\":[\"a\",\"b\"]},{\"id\":2,\"name\":\"beta\",\"tags\":[]}]", 1.3, 2.8)]
    [InlineData("委員会は火曜日に提案について話し合い、作業を年末まで続けることを決めた。", 1.8, 3.2)]
    [InlineData("Комитет собрался во вторник, чтобы обсудить предложение, и решил продолжить работу.", 3.0, 6.0)]
    [InlineData("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 1.1, 2.6)]
    [InlineData("3.14159265358979 2.71828182845904 1.41421356237309", 1.2, 3.0)]
    public void Text_has_as_many_bytes_a_token_as_its_kind(string text, double least, double most)
    {
        // Often enough that what a message costs by itself does not count.
        var body = Body(string.Join('\n', Enumerable.Repeat(text, 50)));
        var perToken = 50.0 * Encoding.UTF8.GetByteCount(text) / TokenEstimate.Of(Encoding.UTF8.GetBytes(body));

        Assert.InRange(perToken, least, most);
    }

    [Fact]
    public void Pictures_and_documents_count_by_what_they_are_and_not_by_their_characters()
    {
        var picture = new string('A', 400_000);
        Assert.InRange(
            Of("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"" + picture + "\"}}"),
            1600,
            1650);
        Assert.InRange(
            Of("{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"data\":\"JVBERi0" + picture + "\"}}"),
            14_000,
            16_000);
    }

    [Fact]
    public void Tools_and_the_system_prompt_count_and_the_rest_does_not()
    {
        var plain = TokenEstimate.Of("""{"model":"m","messages":[{"role":"user","content":"hello"}]}"""u8);
        Assert.InRange(plain, 5, 20);
        Assert.Equal(
            plain,
            TokenEstimate.Of(
                """{"max_tokens":64000,"metadata":{"user_id":"0123456789"},"messages":[{"role":"user","content":"hello"}],"model":"x"}"""u8));
        Assert.True(plain < TokenEstimate.Of(
            """{"model":"m","system":"be kind","messages":[{"role":"user","content":"hello"}]}"""u8));
        Assert.InRange(
            TokenEstimate.Of(
                """{"model":"m","tools":[{"name":"a","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"hello"}]}"""u8),
            plain + 350, plain + 400);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"messages":null,"tools":1,"system":[]}""")]
    [InlineData("""{"messages":"\ud800","system":["\u0000"]}""")]
    public void Odd_bodies_have_an_estimate_too(string body) =>
        Assert.InRange(TokenEstimate.Of(Encoding.UTF8.GetBytes(body)), 1, 20);

    private static long Of(string block) => TokenEstimate.Of(Encoding.UTF8.GetBytes(
        $$"""{"messages":[{"role":"user","content":[{{block}}]}]}"""));

    private static string Body(string text) =>
        "{\"messages\":[{\"role\":\"user\",\"content\":" + JsonSerializer.Serialize(text) + "}]}";
}
