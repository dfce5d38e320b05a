using System.Text;
using ClaudeGateway.Admin;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Admin;

public sealed class SpendLimitRequestTests
{
    [Theory]
    [InlineData("{}", "scope: Required")]
    [InlineData("""{"scope":null,"amount":5}""", "scope: Expected object, received null")]
    [InlineData(
        """{"scope":{"type":5}}""",
        "scope.type: Invalid discriminator value. Expected 'user' | 'rbac_group' | 'organization'")]
    [InlineData("""{"scope":{"type":"user"},"amount":5}""", "scope.user_id: Required")]
    [InlineData(
        """{"scope":{"type":"user","user_id":""}}""", "scope.user_id: String must contain at least 1 character(s)")]
    [InlineData(
        """{"scope":{"type":"rbac_group","rbac_group_id":5}}""",
        "scope.rbac_group_id: Expected string, received number")]
    [InlineData(
        """{"scope":{"type":"user","user_id":"a\u0000b"},"amount":"5"}""",
        "scope.user_id: must not contain a NUL character")]
    [InlineData("""{"scope":{"type":"user","user_id":"\ud800"},"amount":"5"}""",
        "scope.user_id: must be valid Unicode")]
    [InlineData("""{"scope":{"type":"organization"},"amount":"5","\ud800":1}""", "invalid JSON body")]
    [InlineData("""{"scope":{"type":"organization"}}""", "amount: Required")]
    [InlineData("""{"scope":{"type":"rbac_group","rbac_group_id":"g"},"pooled_budget":null}""", "amount: Required")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":true,"period":5}""", "amount: Expected string, received boolean")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"1.5"}""",
        "amount: must be a whole-number decimal string of cents")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"٣"}""", "amount: must be a whole-number decimal string of cents")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"5","period":"Daily"}""",
        "period: Invalid enum value. Expected 'daily' | 'weekly' | 'monthly', received 'Daily'")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"5","period":null}""",
        "period: Expected 'daily' | 'weekly' | 'monthly', received null")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"5","currency":null}""",
        "currency: Invalid literal value, expected \"USD\"")]
    [InlineData(
        """{"scope":{"type":"rbac_group","rbac_group_id":"g"},"amount":"5","pooled_budget":[]}""",
        "pooled_budget: Expected object, received array")]
    [InlineData(
        """{"scope":{"type":"rbac_group","rbac_group_id":"g"},"amount":"5","pooled_budget":{"paused":1}}""",
        "pooled_budget.paused: Expected boolean, received number")]
    [InlineData(
        """{"scope":{"type":"organization"},"amount":"5","pooled_budget":{"amount":"x"}}""",
        "pooled_budget.amount: must be a whole-number decimal string of cents")]
    [InlineData("[]", "Expected object, received array")]
    [InlineData("{", "invalid JSON body")]
    [InlineData("", "invalid JSON body")]
    public async Task The_first_problem_is_named_with_its_field(string body, string problem) =>
        Assert.Equal(problem, (await ReadAsync(body)).Problem);

    [Theory]
    [InlineData("\"007\"", 7L)]
    [InlineData("\"999999999999999999\"", 999_999_999_999_999_999L)]
    [InlineData("null", null)]
    public async Task Amounts_are_whole_cents_or_null(string amount, long? cents)
    {
        var (draft, problem) = await ReadAsync(
            $$"""{"scope":{"type":"user","user_id":" ","rbac_group_id":"x"},"amount":{{amount}},"foo":1}""");
        Assert.Null(problem);
        Assert.Equal(
            new SpendLimitDraft(new SpendScope(SpendScopeType.User, " "), SpendPeriod.Monthly, true, cents, null),
            draft);
    }

    [Fact]
    public async Task A_budget_that_says_nothing_is_told_from_none()
    {
        const string start = """{"scope":{"type":"rbac_group","rbac_group_id":"g"},"amount":"5",""";
        Assert.Null((await ReadAsync(start + "\"pooled_budget\":null}")).Draft!.Pool);
        Assert.False(
            (await ReadAsync(start + "\"pooled_budget\":{\"paused\":null,\"currency\":\"USD\"}}"))
                .Draft!.Pool!.SetsAnything);
        Assert.True((await ReadAsync(start + "\"pooled_budget\":{\"amount\":null}}")).Draft!.Pool!.ClearsAmount);
    }

    private static async Task<(SpendLimitDraft? Draft, string? Problem)> ReadAsync(string body)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(body));
        return await SpendLimitRequest.ReadAsync(stream, CancellationToken.None);
    }
}
