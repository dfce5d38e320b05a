namespace ClaudeGateway.Telemetry;

/// <summary>An export waiting for one destination.</summary>
internal sealed class PendingExport(OtlpExport export)
{
    public OtlpExport Export { get; } = export;

    /// <summary>Sends made so far.</summary>
    public int Attempts { get; set; }

    /// <summary>Whether it takes no room any more.</summary>
    public bool IsReleased { get; set; }
}

/// <summary>
/// The exports one destination still has to get, in bounded memory: those queued, those being sent, and those waiting
/// for their next attempt. Not thread-safe: its owner locks.
/// </summary>
internal sealed class ExportQueue(DestinationCounts counts)
{
    /// <summary>A single larger export is taken when nothing else waits.</summary>
    public const long MaxBytes = 32L * 1024 * 1024;

    public const int MaxExports = 5_000;

    private readonly LinkedList<PendingExport> _queued = [];
    private readonly HashSet<PendingExport> _waiting = [];
    private long _heldBytes;
    private int _held;

    public bool IsEmpty => _queued.Count == 0;

    /// <summary>All that is neither delivered nor dropped.</summary>
    public int Held => _held;

    /// <returns>False when there is no room: the newest export is the one that is dropped.</returns>
    public bool TryAdd(OtlpExport export)
    {
        if (_held > 0 && (_held >= MaxExports || _heldBytes + export.Body.Length > MaxBytes))
        {
            return false;
        }

        _held++;
        counts.Held(1);
        _heldBytes += export.Body.Length;
        _queued.AddLast(new PendingExport(export));
        return true;
    }

    public PendingExport? Take()
    {
        var first = _queued.First;
        if (first is not null)
        {
            _queued.RemoveFirst();
        }

        return first?.Value;
    }

    /// <summary>Sets an export that was taken aside until its next attempt.</summary>
    public void Wait(PendingExport pending) => _waiting.Add(pending);

    /// <summary>Queues an export that waits, in front: it is older than the others.</summary>
    public void EndWait(PendingExport pending)
    {
        if (_waiting.Remove(pending) && !pending.IsReleased)
        {
            _queued.AddFirst(pending);
        }
    }

    public void EndWaits()
    {
        foreach (var pending in _waiting.ToArray())
        {
            EndWait(pending);
        }
    }

    /// <summary>Gives up what is not being sent.</summary>
    public void ReleaseAll()
    {
        foreach (var pending in _queued.Concat(_waiting))
        {
            Release(pending);
        }
    }

    /// <summary>Delivered or given up: its room is free again.</summary>
    public void Release(PendingExport pending)
    {
        if (pending.IsReleased)
        {
            return;
        }

        pending.IsReleased = true;
        _held--;
        counts.Held(-1);
        _heldBytes -= pending.Export.Body.Length;
    }
}
