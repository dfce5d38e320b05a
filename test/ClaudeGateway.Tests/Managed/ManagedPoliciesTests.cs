using ClaudeGateway.Json;
using ClaudeGateway.Managed;

namespace ClaudeGateway.Tests.Managed;

public sealed class ManagedPoliciesTests
{
    private static readonly PushedSettings Telemetry = new(Policies.Json("""{"OTEL_METRICS_EXPORTER":"otlp"}"""), null);

    [Fact]
    public void An_outcome_is_prepared_once()
    {
        var policies = Of("""[{"match":{"groups":["a"]},"cli":{"model":"a"}},{"cli":{}}]""");

        Assert.Same(policies.For(Policies.Developer(groups: "a")), policies.For(Policies.Developer("b@b.b", "x", "a")));
    }

    [Fact]
    public void Layered_combinations_have_documents_of_their_own()
    {
        var policies = Of(
            """[{"match":{"groups":["a"]},"cli":{"model":"a"}},{"match":{"groups":["b"]},"cli":{"language":"b"}},{"cli":{}}]""",
            "layered");

        Assert.Equal(
            """{"language":"b","model":"a"}""",
            CanonicalJson.Write(policies.For(Policies.Developer(groups: ["b", "a"]))!.Document.Settings));
        Assert.Equal(
            """{"language":"b"}""",
            CanonicalJson.Write(policies.For(Policies.Developer(groups: "b"))!.Document.Settings));
    }

    [Fact]
    public void What_is_served_to_whom_is_known_before_anybody_asks_except_for_layered_combinations()
    {
        const string policies =
            """[{"match":{"groups":["a"]},"cli":{"model":"a"}},{"match":{"groups":["b"]},"cli":{"language":"b"}},{"cli":{}}]""";
        Assert.True(Of(policies).AreOutcomesComplete);
        Assert.Equal([0, 1, 2], Of(policies).Outcomes.Select(outcome => outcome.Selection.Index).Order());
        var layered = Of(policies, "layered");
        Assert.False(layered.AreOutcomesComplete);
        Assert.Equal(3, layered.Outcomes.Count());
        layered.For(Policies.Developer(groups: ["a", "b"]));
        Assert.Equal(4, layered.Outcomes.Count());
        Assert.Empty(Assert.Single(new ManagedPolicies(null, Telemetry).Outcomes).Selection.Layers);
    }

    [Fact]
    public void Telemetry_alone_is_served_to_everybody_but_not_beside_policies_that_do_not_match()
    {
        Assert.NotNull(new ManagedPolicies(null, Telemetry).For(Policies.Developer()));
        Assert.Null(
            new ManagedPolicies(Policies.Managed("""[{"match":{"groups":["zz"]},"cli":{}}]"""), Telemetry)
            .For(Policies.Developer()));
        Assert.False(new ManagedPolicies(null, PushedSettings.Nothing).IsConfigured);
    }

    [Fact]
    public void An_empty_list_of_policies_matches_nobody()
    {
        var none = new ManagedPolicies(Policies.Managed("[]"), Telemetry);
        Assert.True(none.IsConfigured);
        Assert.Null(none.For(Policies.Developer()));
        Assert.NotNull(new ManagedPolicies(Policies.Config("managed: {}").Managed,
            Telemetry).For(Policies.Developer()));
    }

    [Fact]
    public void Names_that_clients_know_by_an_older_one_are_served_under_it() =>
        Assert.Equal(
            """{"extraKnownMarketplaces":{},"strictKnownMarketplaces":[]}""",
            CanonicalJson.Write(
                Of("""[{"cli":{"additionalMarketplaces":{},"allowedMarketplaces":[]}}]""")
                    .For(Policies.Developer())!.Document.Settings));

    [Theory]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{}},{"cli":{},"serve_to_desktop":true}]""", true)]
    [InlineData(
        """[{"match":{"groups":["a"]},"cli":{},"serve_to_desktop":false},{"cli":{},"serve_to_desktop":true}]""", false)]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{},"serve_to_desktop":true},{"cli":{}}]""", true)]
    [InlineData("""[{"match":{"groups":["a"]},"cli":{}},{"cli":{}}]""", false)]
    [InlineData("""[{"match":{"groups":["a"]},"code":{}},{"code":{}}]""", true)]
    public void Sessions_in_Claude_Desktop_are_served_as_the_policy_or_else_the_base_says(
        string policies, bool isServed) =>
        Assert.Equal(isServed, Of(policies).For(Policies.Developer(groups: "a"))!.ServesDesktopSessions);

    [Fact]
    public void Models_follow_the_merged_lists()
    {
        var policies = Of(
            """[{"match":{"groups":["a"]},"cli":{"availableModels":["opus"]}},{"match":{"groups":["b"]},"cli":{}},{"cli":{"deniedModels":["claude-opus-4-8"]}}]""");

        Assert.Equal(ModelVerdict.Denied, Verdict("a", "claude-opus-4-8"));
        Assert.Equal(ModelVerdict.NotAvailable, Verdict("a", "claude-sonnet-4-6"));
        Assert.Equal(ModelVerdict.Allowed, Verdict("b", "claude-sonnet-4-6"));
        ModelVerdict Verdict(string group, string model) =>
            policies.ModelsOf(Policies.Developer(groups: group)).Check(model, null);
    }

    private static ManagedPolicies Of(string policies, string mode = "first_match") =>
        new(Policies.Managed(policies, mode), PushedSettings.Nothing);
}
