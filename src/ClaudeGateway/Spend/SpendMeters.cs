using ClaudeGateway.Instrumentation;

namespace ClaudeGateway.Spend;

/// <summary>What is measured of the ledger and of the replicas it is shared with; read when somebody asks.</summary>
internal static class SpendMeters
{
    public static void Measure(GatewayMeter meter, SpendAccounts accounts)
    {
        var m = meter.Meter;
        m.CreateObservableGauge(
            "claude_gateway.spend.unwritten", () => accounts.Ledger.Unwritten().OfDevelopers.InDollars, "USD",
            "Spend of developers that the store has not confirmed yet; it is lost if this process is killed.");
        m.CreateObservableGauge(
            "claude_gateway.spend.lag", () => accounts.Sync.Lag.TotalSeconds, "s",
            "For how long something has waited to be written; 0 when nothing does.");
        m.CreateObservableCounter(
            "claude_gateway.spend.rounds", () => accounts.Sync.Rounds, "{round}",
            "Statements of the ledger: asked, written or both.");
        m.CreateObservableGauge(
            "claude_gateway.replica.epoch", () => accounts.Sync.Epoch, null,
            "Names the span of uninterrupted news from the other replicas; 0 while news may be missed and limits are "
                + "asked of the store instead.");
        m.CreateObservableGauge(
            "claude_gateway.replicas", () => accounts.Sync.Replicas, "{replica}",
            "Replicas on this store, as this one counts them.");
    }
}
