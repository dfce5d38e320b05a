using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>What the upstreams made of a token count, ready for everybody who asked.</summary>
/// <param name="Outcome">For the audit; its response has been read and disposed.</param>
/// <param name="Body">Null when no upstream gave an answer that could be read.</param>
internal sealed record CountAnswer(FailoverOutcome Outcome, HeaderDictionary Headers, byte[]? Body);

/// <summary>One token count on its way, and all who wait for it.</summary>
#pragma warning disable CA1001 // Its source has no timer, and somebody may leave at the moment the count ends.
internal sealed class SharedCount(string key, Lock joining)
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _allGone = new();
    private readonly TaskCompletionSource<CountAnswer?> _answer = new(
        TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiters = 1;

    public string Key { get; } = key;

    /// <summary>Cancelled when the last one who waits has left.</summary>
    public CancellationToken AllGone => _allGone.Token;

    /// <summary>Null when it was given up: whoever still wants it asks anew.</summary>
    public Task<CountAnswer?> Answer => _answer.Task;

    /// <summary>False when everybody has left, so that it is being given up.</summary>
    public bool TryJoin_NeedsLock() => _waiters > 0 && ++_waiters > 0;

    public void Leave()
    {
        bool isLast;
        lock (joining)
        {
            isLast = --_waiters == 0;
        }

        if (isLast)
        {
            _allGone.Cancel();
        }
    }

    public void End(CountAnswer? answer) => _answer.TrySetResult(answer);
}

/// <summary>
/// Token counts in flight. Equal ones, of the same person, with the same body, headers and upstreams, are one: an
/// editor that starts asks the same fifty times within a second, window by window.
/// </summary>
internal sealed class SharedCounts
{
    private readonly Dictionary<string, SharedCount> _running = new(StringComparer.Ordinal);

    /// <summary>Protects the table, with at most one entry for each request, and who waits for which.</summary>
    private readonly Lock _joining = new();

    /// <summary>The count that is on its way, or a new one for the caller to ask and to <see cref="End"/>.</summary>
    public (SharedCount Count, bool IsFirst) Join(string key)
    {
        lock (_joining)
        {
            if (_running.TryGetValue(key, out var running) && running.TryJoin_NeedsLock())
            {
                return (running, false);
            }

            return (_running[key] = new SharedCount(key, _joining), true);
        }
    }

    /// <param name="answer">Null when there is none.</param>
    public void End(SharedCount count, CountAnswer? answer)
    {
        lock (_joining)
        {
            if (_running.TryGetValue(count.Key, out var running) && ReferenceEquals(running, count))
            {
                _running.Remove(count.Key);
            }
        }

        count.End(answer);
    }

    /// <summary>All that decides what the upstreams are asked and what of their answer is passed on.</summary>
    public static string KeyOf(Exchange exchange)
    {
        var call = exchange.Call;
        var http = call.Request.Http.Request;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(call.Principal.Sub);
        Add(call.Principal.Email ?? "");
        Add(http.QueryString.Value ?? "");
        Add(call.Betas.Text(keepTags: true) ?? "");
        Add(http.Headers["anthropic-version"].ToString());
        Add(http.Headers.AcceptEncoding.ToString());
        Add(http.ContentType ?? "");
        foreach (var target in exchange.Targets)
        {
            Add(target.Upstream.Name);
            Add(target.ModelId);
        }

        hash.AppendData(call.Message.Body.Span);
        return Convert.ToHexString(hash.GetHashAndReset());

        void Add(string part)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
