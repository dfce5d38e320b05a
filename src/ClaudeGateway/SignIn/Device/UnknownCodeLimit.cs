using System.Net;
using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// Limits device codes and states that nobody was given. They cannot be guessed, but each costs a look into the store
/// that needs no bearer: whoever sends many of them from one network is answered without it for the rest of the minute.
/// Counted by each replica for itself.
/// </summary>
internal sealed class UnknownCodeLimit(TimeProvider clock)
{
    /// <summary>In a minute. Those of a whole company behind one address that come too late are far fewer.</summary>
    public const int Max = 300;

    private readonly NetworkCounts _unknown = new(TimeSpan.FromMinutes(1), clock);

    /// <summary>The time until codes from this address are looked up again; null when they are.</summary>
    public TimeSpan? Wait(IPAddress address) =>
        _unknown.Find(address) is { Count: >= Max, Left: var left } ? left : null;

    /// <summary>Counts one that was unknown.</summary>
    public void Count(IPAddress address) => _unknown.Add(address);
}
