using System.Text;
using ClaudeGateway.Json;
using ClaudeGateway.Upstreams.Contract;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Json;

public sealed class JsonMembersTests
{
    [Theory]
    [InlineData("model", true)]
    [InlineData("mode", false)]
    [InlineData("models", false)]
    [InlineData("m\\u006fdel", true)]
    [InlineData("\\u006dodel", true)]
    [InlineData("m\\\"odel", false)]
    [InlineData("\\ud800", false)]
    [InlineData("", false)]
    public void A_name_is_compared_with_its_escapes_decoded(string name, bool isModel)
    {
        var members = JsonMembers.Of(Encoding.UTF8.GetBytes($$"""{"{{name}}" : "model"}"""));

        Assert.Equal(isModel, members.NameIs(0, "model"u8));
        Assert.Equal(isModel ? 0 : -1, members.FindLast("model"u8));
    }

    [Fact]
    public void The_table_of_a_request_is_that_of_its_text() =>
        Prop.ForAll(JsonTexts.Objects, json =>
        {
            var body = Encoding.UTF8.GetBytes(json);
            if (MessagesRequest.Read(body).Request is not { Members: var read })
            {
                return;
            }

            var scanned = JsonMembers.Of(body);
            Assert.Equal(
                Enumerable.Range(0, scanned.Count)
                    .Select(index => (scanned.Start(index), scanned.ValueRange(index), scanned.Name(index))),
                Enumerable.Range(0, read.Count)
                    .Select(index => (read.Start(index), read.ValueRange(index), read.Name(index))));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whoever_asks_for_the_members_of_a_body_that_was_let_go_of_is_told()
    {
        var request = MessagesRequest.Read("""{"model":"m"}"""u8.ToArray()).Request!;
        request.ReleaseBody();

        Assert.True(request.Body.IsEmpty);
        Assert.Throws<InvalidOperationException>(() => request.Members);
    }
}
