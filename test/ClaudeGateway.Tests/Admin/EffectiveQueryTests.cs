using ClaudeGateway.Admin;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace ClaudeGateway.Tests.Admin;

public sealed class EffectiveQueryTests
{
    [Theory]
    [InlineData("?limit=0", "limit: must be between 1 and 1000")]
    [InlineData("?limit=1.5", "limit: must be between 1 and 1000")]
    [InlineData("?limit=", "limit: must be between 1 and 1000")]
    [InlineData("?period[]=yearly", "period[]: must be one of daily, weekly, monthly")]
    [InlineData("?sort=asc&period[]=daily", "sort: must be spend_desc")]
    [InlineData("?sort=spend_desc", "sort=spend_desc requires exactly one period[]")]
    [InlineData("?page=", "page: invalid page token")]
    [InlineData("?page=garbage", "page: invalid page token")]
    [InlineData("?page=bnVsbA", "page: invalid page token")]
    public void What_cannot_be_read_is_named(string query, string problem) =>
        Assert.Equal(problem, Read(query).Problem);

    [Fact]
    public void Parameters_without_brackets_and_unknown_ones_are_ignored_and_the_first_of_repeated_ones_counts()
    {
        var query = Read("?period=daily&user_ids=x&foo=1&limit=7&limit=x").Query!;
        Assert.Equal((7, null, 3), (query.Limit, query.Subs, query.Periods.Count));
    }

    [Fact]
    public void Encoded_brackets_work_and_repeated_or_empty_users_are_named_once()
    {
        var query = Read("?period%5B%5D=daily&user_ids%5B%5D=zoe&user_ids[]=amy&user_ids[]=zoe&user_ids[]=").Query!;
        Assert.Equal(["zoe", "amy"], query.Subs);
        Assert.Equal([SpendPeriod.Daily], query.Periods);
    }

    [Theory]
    [InlineData("?limit=%205", 5)]
    [InlineData("?limit=1e2", 100)]
    [InlineData("?limit=0x10", 16)]
    [InlineData("?LIMIT=5", 20)]
    public void A_limit_is_read_as_JavaScript_reads_numbers(string query, int limit) =>
        Assert.Equal(limit, Read(query).Query!.Limit);

    [Fact]
    public void A_period_asked_for_twice_is_shown_once() =>
        Assert.Equal(
            [SpendPeriod.Weekly, SpendPeriod.Daily],
            Read("?period[]=weekly&period[]=daily&period[]=weekly").Query!.Periods);

    [Fact]
    public void A_page_token_comes_back_as_it_was() =>
        Check.QuickThrowOnFailure(Prop.ForAll<NonNull<string>, long?>((sub, spent) =>
        {
            var cursor = new EffectiveCursor(StoredText.Of(sub.Get), spent);
            var query = Read(
                $"?page={EffectiveQuery.Token(cursor)}"
                + (spent is null ? "" : "&sort=spend_desc&period[]=daily")).Query;
            return query?.Cursor == cursor;
        }));

    [Fact]
    public void A_page_token_of_another_order_is_refused() =>
        Assert.Equal(
            "page: invalid page token", Read($"?page={EffectiveQuery.Token(new EffectiveCursor("a", 5))}").Problem);

    private static (EffectiveQuery? Query, string? Problem) Read(string query) =>
        EffectiveQuery.Read(new QueryCollection(QueryHelpers.ParseQuery(query)));
}
