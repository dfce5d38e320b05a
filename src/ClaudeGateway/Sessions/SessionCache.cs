using System.Collections.Concurrent;

namespace ClaudeGateway.Sessions;

/// <summary>
/// Remembers verified bearers, so that the signature is computed and the claims are parsed once per token and not once
/// per request; a hit allocates nothing. It holds at most <see cref="MaxChars"/> characters of tokens in two
/// generations: when the young one is full the old one is dropped and entries in use move over.
/// </summary>
internal sealed class SessionCache
{
    /// <summary>Per generation; a usual token has some 500 characters, one with thousands of groups 150,000.</summary>
    private const int MaxChars = 4 * 1024 * 1024;

    /// <summary>
    /// Protects <see cref="_youngChars"/> and the change of generations; readers take them as they are.
    /// </summary>
    private readonly Lock _lock = new();
    private ConcurrentDictionary<string, Principal> _young = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, Principal> _old = new(StringComparer.Ordinal);
    private int _youngChars;

    public Principal? Find(ReadOnlySpan<char> token)
    {
        if (_young.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var principal))
        {
            return principal;
        }

        if (_old.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out principal))
        {
            Add(token, principal);
            return principal;
        }

        return null;
    }

    public void Add(ReadOnlySpan<char> token, Principal principal)
    {
        lock (_lock)
        {
            if (_youngChars + token.Length > MaxChars)
            {
                _old = _young;
                _young = new ConcurrentDictionary<string, Principal>(StringComparer.Ordinal);
                _youngChars = 0;
            }

            if (token.Length <= MaxChars && _young.TryAdd(token.ToString(), principal))
            {
                _youngChars += token.Length;
            }
        }
    }
}
