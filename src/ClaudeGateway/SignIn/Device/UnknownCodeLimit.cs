using System.Net;
using ClaudeGateway.Http;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// Limits device codes and states that nobody was given. They cannot be guessed, but each costs a look into the store
/// that needs no bearer: whoever sends many of them from one address (IPv6: one /64) is answered without it for the
/// rest of the minute. Counted in memory, by each replica for itself.
/// </summary>
internal sealed class UnknownCodeLimit(TimeProvider clock)
{
    /// <summary>In a minute. Those of a whole company behind one address that come too late are far fewer.</summary>
    public const int Max = 300;

    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1);

    private readonly RecentlyUsed<Window> _windows = new(MaxRemembered, clock);

    /// <summary>The time until codes from this address are looked up again; null when they are.</summary>
    public TimeSpan? Wait(IPAddress address) => Of(address).Wait(clock.GetUtcNow());

    /// <summary>Counts one that was unknown.</summary>
    public void Count(IPAddress address) => Of(address).Count(clock.GetUtcNow());

    private Window Of(IPAddress address) =>
        _windows.Get($"{ClientNetwork.Of(address)}", 0, static (_, _) => new Window());

    private sealed class Window
    {
        /// <summary>Protects the fields below.</summary>
        private readonly Lock _lock = new();
        private DateTimeOffset _ends = DateTimeOffset.MinValue;
        private int _count;

        public TimeSpan? Wait(DateTimeOffset now)
        {
            lock (_lock)
            {
                return _count >= Max && _ends > now ? _ends - now : null;
            }
        }

        public void Count(DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_ends <= now)
                {
                    (_ends, _count) = (now + Length, 0);
                }

                _count++;
            }
        }
    }
}
