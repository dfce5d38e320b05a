using ClaudeGateway.Managed;
using ClaudeGateway.Models;

namespace ClaudeGateway.Tests.Managed;

public sealed class ModelAccessTests
{
    private static readonly ModelCatalog Catalog = new(
        [
            new("corp", null, null, Sent("x")),
            new("mapped", null, null, Sent("eu.anthropic.claude-opus-4-8")),
            new("team/llama", null, null, Sent("x"))],
        includeBuiltIns: true);

    [Theory]
    [InlineData("sonnet", "claude-sonnet-4-6", true)]
    [InlineData("sonnet", "us.anthropic.claude-sonnet-4-6", true)]
    [InlineData("sonnet", "claude-3-5-sonnet-20241022", true)]
    [InlineData("sonnet", "a_sonnet.b", true)]
    [InlineData("sonnet", "sonneté", true)]
    [InlineData("sonnet", "sonnet2", false)]
    [InlineData("sonnet", "mysonnetx", false)]
    [InlineData("sonnet,claude-sonnet-4-6", "claude-sonnet-5", false)]
    [InlineData("sonnet,claude-sonnet-9", "claude-sonnet-5", false)]
    [InlineData("sonnet,opus-4-8", "claude-sonnet-5", true)]
    [InlineData("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", true)]
    [InlineData("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", false)]
    [InlineData("opus-4-8", "CLAUDE-OPUS-4-8", true)]
    [InlineData(" Claude-Sonnet-4-6[1M] ", "claude-sonnet-4-6", true)]
    [InlineData("claude", "claude-opus-5", true)]
    [InlineData("claude-*", "claude-opus-5", false)]
    [InlineData("team", "team/llama", false)]
    [InlineData("claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-6", false)]
    [InlineData("claude-haiku-4-5", "claude-haiku-4-5@20251001", false)]
    [InlineData("", "claude-opus-5", false)]
    [InlineData("4-6", "claude-opus-4-6", false)]
    public void Available_models_cover_by_prefix(string list, string id, bool allowed) =>
        Assert.Equal(
            allowed ? ModelVerdict.Allowed : ModelVerdict.NotAvailable,
            Check(ModelAccess.From(Split(list), null, AvailableModelsMatch.Prefix), id));

    [Theory]
    [InlineData("claude-opus-4", "claude-opus-4-8", false)]
    [InlineData("claude-opus-4", "claude-opus-4-20250514", true)]
    [InlineData("claude-opus-4-5", "claude-opus-4-5-20251101", true)]
    [InlineData("claude-opus-4-5-20251101", "claude-opus-4-5", false)]
    [InlineData("claude-opus-4-5", "claude-opus-4-5@20251101", false)]
    [InlineData("opus", "claude-opus-4-8", true)]
    [InlineData("opus-4-8", "claude-opus-4-8", true)]
    [InlineData("corp", "corp-20250101", false)]
    public void Exact_matching_covers_the_id_and_its_dated_form(string list, string id, bool allowed) =>
        Assert.Equal(
            allowed ? ModelVerdict.Allowed : ModelVerdict.NotAvailable,
            Check(ModelAccess.From(Split(list), null, AvailableModelsMatch.Exact), id));

    [Theory]
    [InlineData("claude-opus-4-8", "us.anthropic.claude-opus-4-8", true)]
    [InlineData("claude-opus-4-8", "mapped", true)]
    [InlineData("eu.anthropic.claude-opus-4-8", "claude-opus-4-8", true)]
    [InlineData("claude-opus-4-5@20251101", "claude-opus-4-5", true)]
    [InlineData("claude-sonnet-4-5-20250101", "claude-sonnet-4-5", true)]
    [InlineData("HAIKU-4-5", "anthropic.claude-haiku-4-5", true)]
    [InlineData("opus[1m]", "claude-opus-4-5@20251101", true)]
    [InlineData("claude-opus-4", "claude-opus-4-8", true)]
    [InlineData("opus-4", "claude-opus-4-1-20250805", true)]
    [InlineData("claude-opus-4", "claude-opus-5", false)]
    [InlineData("claude-opus-4-5", "claude-opus-4-8", false)]
    [InlineData("claude", "claude-opus-5", false)]
    [InlineData("claude-opus", "claude-opus-5", false)]
    [InlineData("claude-haiku-*", "claude-haiku-4-5", false)]
    [InlineData("CORP", "corp", true)]
    [InlineData("team", "team/llama", false)]
    [InlineData("x", "corp", true)]
    [InlineData("best", "claude-opus-5", false)]
    [InlineData("", "claude-opus-5", false)]
    public void Denied_models_see_through_spellings(string entry, string id, bool denied) =>
        Assert.Equal(
            denied ? ModelVerdict.Denied : ModelVerdict.Allowed,
            Check(ModelAccess.From(null, [entry], AvailableModelsMatch.Prefix), id));

    [Fact]
    public void A_denial_speaks_before_the_allowlist() =>
        Assert.Equal(
            ModelVerdict.Denied,
            Check(ModelAccess.From(["sonnet"], ["opus"], AvailableModelsMatch.Prefix), "claude-opus-5"));

    [Fact]
    public void An_empty_denylist_denies_nothing_but_is_a_list()
    {
        var access = ModelAccess.From(null, [], AvailableModelsMatch.Prefix);

        Assert.Equal((ModelVerdict.Allowed, false), (Check(access, "claude-opus-5"), access.IsUnrestricted));
    }

    [Theory]
    [InlineData(" claude-opus-4-8 ")]
    [InlineData("claude-opus-4-8[1m]\n")]
    public void Padding_does_not_undo_a_denial(string id) =>
        Assert.Equal(
            ModelVerdict.Denied, Check(ModelAccess.From(null, ["claude-opus-4-8"], AvailableModelsMatch.Prefix), id));

    [Fact]
    public void An_empty_allowlist_allows_nothing_and_an_absent_one_everything()
    {
        Assert.Equal(
            ModelVerdict.NotAvailable, Check(ModelAccess.From([], null, AvailableModelsMatch.Prefix), "claude-opus-5"));
        Assert.Same(ModelAccess.Unrestricted, ModelAccess.From(null, null, AvailableModelsMatch.Prefix));
    }

    [Theory]
    [InlineData("claude-opus-4", true)]
    [InlineData("haiku", true)]
    [InlineData("claude-haiku-*", false)]
    [InlineData("claude-opus", false)]
    [InlineData("opusplan", false)]
    public void An_entry_that_can_deny_nothing_is_recognised(string entry, bool can) =>
        Assert.Equal(can, DeniedModels.CanDeny(entry, Catalog));

    private static ModelVerdict Check(ModelAccess access, string id) => access.Check(id, Catalog.Find(id));

    private static string[] Split(string list) => list.Split(',');

    private static Dictionary<string, string> Sent(string model) => new() { ["anthropic"] = model };
}
