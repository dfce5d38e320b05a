using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Prices;
using ClaudeGateway.Spend.Usage;

namespace ClaudeGateway.Spend;

/// <summary>
/// Puts served requests on the account: the price of what the upstream reported goes to the developer's counter and,
/// when his groups share a budget, to one of theirs. Only memory is touched; <see cref="SpendSync"/> writes it behind.
/// Also tells what a request is expected to cost, from its own size and from what answers usually turn out to be.
/// </summary>
internal sealed class SpendMeter(
    PriceList prices, ReserveMode reserve, LimitResolver resolver, SpendAccounts accounts, OperationalLog log)
{
    /// <summary>
    /// Expected at least of a request to a model that has served nobody yet. One that has not served this developer may
    /// cost as much too, where its own size allows it: others' requests say nothing of his.
    /// </summary>
    private static readonly Money FirstGuess = Money.FromCents(50);

    private readonly SpendLedger _ledger = accounts.Ledger;

    /// <summary>What the request will cost, as far as can be told before its answer.</summary>
    public Money Expect(SpendCounter counter, in PricedRequest request)
    {
        var own = counter.Usual.Find(request.ClientModel);
        var usual = own ?? _ledger.Usual.Find(request.ClientModel);
        var usage = new TokenUsage
        {
            Input = request.InputTokens,
            Output = reserve == ReserveMode.Worst
                ? request.MostOutputTokens
                : request.OutputTokens(usual?.Output.Value),
        };
        var cost = PriceOf(request).CostOf(usage) + new Money(usual?.BeyondBody.Value ?? 0);
        return own is null ? Larger(cost, usual is null ? FirstGuess : Smaller(FirstGuess, Most(request))) : cost;
    }

    /// <summary>What the request's own size allows it to cost; of one without <c>max_tokens</c> its input.</summary>
    public Money Most(in PricedRequest request) =>
        PriceOf(request).CostOf(new TokenUsage { Input = request.InputTokens, Output = request.MostOutputTokens });

    /// <summary>Bills an answer.</summary>
    /// <param name="pool">The budget chosen when the request was admitted, or null.</param>
    /// <param name="request">As it was served: by which upstream and under which name.</param>
    public Money Record(
        Principal principal, DeveloperLimits limits, SpendCounter? pool, in PricedRequest request, UsageReader reader)
    {
        var usage = reader.Finish();
        if (reader.IsClamped)
        {
            log.Warn(
                $"spend: upstream {request.Upstream} reported impossible usage for {request.UpstreamModel}; "
                + "the figures out of range were clamped");
        }

        var price = PriceOf(request);
        Learn(limits.Counter, request, price, usage);
        return Put(principal, limits, pool, price.CostOf(usage));
    }

    /// <summary>
    /// Bills the input of a request that its client has given up after an upstream had all of it and before it
    /// answered.
    /// </summary>
    public Money RecordAbandoned(
        Principal principal, DeveloperLimits limits, SpendCounter? pool, in PricedRequest request) =>
        Put(principal, limits, pool, PriceOf(request).CostOf(new TokenUsage { Input = request.InputTokens }));

    private static Money Larger(Money left, Money right) => left > right ? left : right;

    private static Money Smaller(Money left, Money right) => left < right ? left : right;

    private ModelPrice PriceOf(in PricedRequest request) =>
        prices.Find(request.Upstream, request.UpstreamModel, request.ClientModel);

    private void Learn(SpendCounter counter, in PricedRequest request, ModelPrice price, in TokenUsage usage)
    {
        var told = price.CostOf(new TokenUsage { Input = request.InputTokens });
        var beyond = price.CostOf(usage with { Output = 0 }) - told;
        counter.Usual.Add(request.ClientModel, usage.Output, beyond);
        _ledger.Usual.Add(request.ClientModel, usage.Output, beyond);
    }

    private Money Put(Principal principal, DeveloperLimits limits, SpendCounter? pool, Money cost)
    {
        var current = resolver.Current(limits, principal);
        _ledger.Add(current.Counter, cost);
        // The budget that was chosen, unless it has been paused or removed meanwhile.
        if ((pool is not null && current.HasPool(pool) ? pool : current.Payer(_ledger.Today)) is { } payer)
        {
            _ledger.Add(payer, cost);
        }

        accounts.Sync.Wake();
        accounts.Alerts.Check(current, principal.Email);
        return cost;
    }
}
