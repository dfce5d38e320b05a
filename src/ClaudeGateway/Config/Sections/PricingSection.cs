using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>pricing</c> and <c>enforcement</c>.</summary>
internal static class PricingSection
{
    private const double MaxRate = 10_000;
    private const double MaxMultiplier = 10;

    private static readonly Key<double> Multiplier = new(
        "multiplier", Number(0, MaxMultiplier), "Factor on every price, such as 0.8 for a negotiated discount.")
    {
        Example = "0.8",
    };

    private static readonly Key<string> Upstream = new("upstream", Text(), "Name of the upstream.")
    {
        IsRequired = true,
        Example = "anthropic",
    };

    private static readonly Key<string> Model = new("model", Text(), "Model id, in any spelling the gateway knows.")
    {
        IsRequired = true,
        Example = "claude-sonnet-5",
    };

    private static readonly Key<decimal> Input = Rate("input", "Input");

    private static readonly Key<decimal> Output = Rate("output", "Output");

    private static readonly Key<decimal> CacheRead = Rate("cache_read", "Cache read");

    private static readonly Key<decimal> CacheWrite = Rate("cache_write", "Cache write");

    private static readonly Shape<PriceOverride> Override = Object(
        [Upstream, Model, Input, Output, CacheRead, CacheWrite],
        fields =>
            new PriceOverride(
                fields.Get(Upstream), fields.Get(Model), fields.Get(Input), fields.Get(Output), fields.Get(CacheRead),
                fields.Get(CacheWrite)));

    public static readonly Key<IReadOnlyList<PriceOverride>> Overrides = new(
        "overrides", ListOf(Override), "Prices of single models on single upstreams.")
    {
        Default = "[]",
    };

    public static readonly Shape<PricingConfig> Shape = Object(
        [Multiplier, Overrides],
        fields => new PricingConfig((decimal?)fields.Find(Multiplier), fields.Get(Overrides)),
        fields =>
        {
            if (fields.Get(Multiplier) > 1)
            {
                fields.Warn(Multiplier, "is above 1: a markup on list prices");
            }
        });

    private static readonly Key<bool> FailClosedOnError = new(
        "fail_closed_on_error",
        Flag(),
        "Refuse messages while spend cannot be checked, instead of serving them unchecked. Needs `admin`.")
    {
        Default = "false",
    };

    private static readonly Key<ReserveMode> Reserve = new(
        "reserve",
        Choice(("usual", ReserveMode.Usual), ("worst", ReserveMode.Worst)),
        "Output that is set aside under a limit while a request is in flight: the developer's usual one, at least a "
        + "tenth of `max_tokens`; or all of `max_tokens`.")
    {
        Default = "usual",
    };

    public static readonly Shape<EnforcementConfig> Enforcement = Object(
        [FailClosedOnError, Reserve],
        fields => new EnforcementConfig
        {
            FailClosedOnError = fields.Get(FailClosedOnError),
            Reserve = fields.Get(Reserve),
        });

    private static Key<decimal> Rate(string name, string kind) =>
        new(name, Number(0, MaxRate).As(rate => (decimal)rate), $"{kind} price, US dollars per million tokens.")
        {
            IsRequired = true,
            Example = "3",
        };
}
