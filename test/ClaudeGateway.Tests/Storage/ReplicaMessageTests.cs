using ClaudeGateway.Storage;

namespace ClaudeGateway.Tests.Storage;

public sealed class ReplicaMessageTests
{
    [Theory]
    [InlineData("revocation", null, "")]
    [InlineData("ack", "r1", "12")]
    [InlineData("hello", "r1", "")]
    [InlineData("spend", "r1", "key 0 739000 5 key 1 739000 5")]
    public void A_message_comes_back_as_it_was_sent(string topic, string? sender, string text)
    {
        var message = new ReplicaMessage(topic, sender, text);
        Assert.Equal(message, ReplicaMessage.Parse(message.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("topic sender")]
    public void What_is_no_message_of_a_replica_has_no_sender(string payload) =>
        Assert.Null(ReplicaMessage.Parse(payload).Sender);
}
