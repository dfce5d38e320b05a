using System.Collections.Concurrent;

namespace ClaudeGateway.Logging;

/// <summary>
/// The one writer of standard error. Lines are queued and written by a thread of its own, so that a slow reader of the
/// log delays no request; when the reader stalls for so long that 64 MiB are waiting, further lines are counted and dropped.
/// </summary>
internal sealed class StderrLines : IDisposable
{
    private const long MaxQueuedBytes = 64L * 1024 * 1024;
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<byte[]> _queue = new(new ConcurrentQueue<byte[]>());
    private readonly Stream _stream;
    private readonly Thread _thread;
    private long _queuedBytes;
    private long _dropped;

    public StderrLines()
        : this(Console.OpenStandardError())
    {
    }

    public StderrLines(Stream stream)
    {
        _stream = stream;
        _thread = new Thread(WriteLoop) { IsBackground = true, Name = "stderr" };
        _thread.Start();
    }

    /// <summary>Queues one line; <paramref name="line"/> ends with a newline and is not changed afterwards.</summary>
    public void Write(byte[] line)
    {
        if (Interlocked.Add(ref _queuedBytes, line.Length) > MaxQueuedBytes)
        {
            Interlocked.Add(ref _queuedBytes, -line.Length);
            Interlocked.Increment(ref _dropped);
            return;
        }

        try
        {
            _queue.Add(line);
        }
        catch (InvalidOperationException)
        {
            // The log is closed: the process is ending.
        }
    }

    /// <summary>Writes what is queued, waiting at most five seconds for a stalled reader.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        if (_thread.Join(FlushTimeout))
        {
            _queue.Dispose();
            _stream.Dispose();
        }
    }

    private void WriteLoop()
    {
        foreach (var line in _queue.GetConsumingEnumerable())
        {
            Interlocked.Add(ref _queuedBytes, -line.Length);
            try
            {
                _stream.Write(line);
                if (_queue.Count == 0)
                {
                    var dropped = Interlocked.Exchange(ref _dropped, 0);
                    if (dropped > 0)
                    {
                        _stream.Write(System.Text.Encoding.UTF8.GetBytes($"[gateway] {dropped} log lines were dropped: standard error was not read fast enough\n"));
                    }

                    _stream.Flush();
                }
            }
            catch (IOException)
            {
                // Nobody reads standard error any more; the gateway goes on without a log.
            }
        }
    }
}
