using ClaudeGateway.Logging;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// Tells the operator when a destination's condition changes, once per change, and how many exports were lost
/// meanwhile. Not thread-safe: its owner locks.
/// </summary>
internal sealed class DestinationReport(string name, DestinationCounts counts, OperationalLog log)
{
    private string? _condition;
    private long _dropped;

    public void Dropped(string condition)
    {
        _dropped++;
        counts.Dropped();
        Changed(condition);
    }

    public void Changed(string condition)
    {
        if (_condition != condition)
        {
            _condition = condition;
            log.Warn($"{name}: {condition}{Lost()}");
        }
    }

    public void Retrying(TimeSpan delay, string reason)
    {
        counts.Retried();
        log.Debug($"{name}: {reason}; next attempt in {delay.TotalSeconds:0.0} s");
    }

    public void Works()
    {
        counts.Sent();
        if (_condition is null)
        {
            return;
        }

        _condition = null;
        log.Info($"{name}: takes exports again{Lost()}");
    }

    public void Ended(int left)
    {
        _dropped += left;
        counts.Dropped(left);
        if (_dropped > 0)
        {
            log.Warn($"{name}: stopped{Lost()}");
        }
    }

    private string Lost()
    {
        var lost = _dropped;
        _dropped = 0;
        return lost == 0 ? "" : $"; {lost} export{(lost == 1 ? " was" : "s were")} dropped";
    }
}
