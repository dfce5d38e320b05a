using System.Net;
using ClaudeGateway.Http;

namespace ClaudeGateway.Admin;

/// <summary>
/// Counts wrong admin keys for each client network. Keys have at least 32 characters, so guessing is hopeless; the
/// limit keeps attempts from flooding the audit log. A right key always passes: an attacker behind the same address
/// must not be able to lock an operator out.
/// </summary>
internal sealed class WrongKeyLimit(TimeProvider clock)
{
    private const int MaxPerMinute = 60;

    private readonly NetworkCounts _attempts = new(TimeSpan.FromMinutes(1), clock);

    /// <summary>Counts an attempt and says whether it is one too many.</summary>
    /// <param name="isFirst">Whether it is the first one too many of this minute.</param>
    public bool IsOver(IPAddress address, out bool isFirst)
    {
        var count = _attempts.Add(address);
        isFirst = count == MaxPerMinute + 1;
        return count > MaxPerMinute;
    }
}
