using ClaudeGateway.Managed.Warnings;

namespace ClaudeGateway.Tests.Managed.Warnings;

public sealed class RetirementWarningsTests
{
    private static readonly DateOnly Today = new(2026, 10, 15);

    [Theory]
    [InlineData(
        "models: [{ id: claude-opus-4-1, upstream_model: { anthropic: x } }]",
        "models: the entry 'claude-opus-4-1' names claude-opus-4-1, which was retired on 2026-08-05")]
    [InlineData(
        "models: [{ id: mine, upstream_model: { anthropic: claude-sonnet-4-5-20250929 } }]",
        "names claude-sonnet-4-5-20250929 for upstream 'anthropic', which will be retired on 2026-11-30")]
    [InlineData(
        "managed: { policies: [{ cli: { availableModels: [opus, claude-3-7-sonnet] } }] }",
        "managed.policies[0].cli.availableModels[1]: 'claude-3-7-sonnet' was retired on 2026-02-19")]
    [InlineData(
        "managed: { policies: [{ cli: { model: claude-sonnet-4-20250514 } }] }",
        "managed.policies[0].cli.model: 'claude-sonnet-4-20250514' was retired")]
    [InlineData(
        "managed: { policies: [{ cli: { fallbackModel: [haiku, claude-opus-4] } }] }",
        "managed.policies[0].cli.fallbackModel[1]: 'claude-opus-4' was retired")]
    public void A_model_that_is_named_and_goes_is_told_with_its_date(string yaml, string expected) =>
        Assert.Contains(
            expected, Assert.Single(RetirementWarnings.Of(Policies.Config(yaml), Today)), StringComparison.Ordinal);

    [Theory]
    [InlineData("models: [{ id: claude-sonnet-5, upstream_model: { anthropic: claude-sonnet-5 } }]")]
    [InlineData("managed: { policies: [{ cli: { availableModels: [sonnet, claude-sonnet-4-6, claude-opus] } }] }")]
    [InlineData("")]
    public void Models_without_an_announced_date_are_not(string yaml)
    {
        Assert.Empty(RetirementWarnings.Of(Policies.Config(yaml), Today));
        Assert.Empty(RetirementWarnings.Of(Policies.Config(yaml), new(2026, 11, 30)));
    }

    [Fact]
    public void A_date_is_told_sixty_days_before_and_not_earlier()
    {
        var config = Policies.Config("models: [{ id: claude-sonnet-4-5, upstream_model: { anthropic: x } }]");

        Assert.Empty(RetirementWarnings.Of(config, new(2026, 9, 30)));
        Assert.Contains(
            "will be retired",
            Assert.Single(RetirementWarnings.Of(config, new(2026, 10, 1))),
            StringComparison.Ordinal);
        Assert.Contains(
            "was retired", Assert.Single(RetirementWarnings.Of(config, new(2026, 11, 30))), StringComparison.Ordinal);
    }

    [Fact]
    public void Listed_models_that_nobody_named_are_news_for_a_while()
    {
        var all = Policies.Config("");

        Assert.Equal(
            "listed models that Anthropic retires: claude-sonnet-4-5 (2026-11-30); Amazon and Google have dates of "
                + "their own",
            RetirementWarnings.News(all, Today));
        Assert.Null(RetirementWarnings.News(all, new(2027, 3, 1)));
        Assert.Null(
            RetirementWarnings.News(
                Policies.Config(
                    """
                    auto_include_builtin_models: false
                    models: [{ id: claude-sonnet-4-5, upstream_model: { anthropic: x } }]
                    """),
                Today));
    }
}
