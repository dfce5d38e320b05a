using System.Text;
using ClaudeGateway.Messages;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Tests.Messages;

public sealed class BillingTagTests
{
    private static readonly Principal Alice = new("alice", null, null, ["eng"]) { ExpiresAt = DateTimeOffset.MaxValue };

    [Theory]
    [InlineData("""{"tags":{"team":"eng"}}""", "eng", false)]
    [InlineData("""{"model":5,"tags":{"team":"ops"}}""", null, true)]
    [InlineData("""{"model":"","tags":{"team":5}}""", null, true)]
    [InlineData("""{"tags":"eng"}""", null, false)]
    [InlineData("""{"tags":{"team":"eng"}""", null, false)]
    [InlineData("""["tags"]""", null, false)]
    public void A_refused_request_is_billed_to_the_group_it_names(string body, string? group, bool isIgnored) =>
        Assert.Equal(
            new BillingTag(group, isIgnored), BillingTag.ReadRefused(Encoding.UTF8.GetBytes(body), "team", Alice));
}
