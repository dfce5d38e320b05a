using System.Collections.Concurrent;

namespace ClaudeGateway.Logging;

/// <summary>
/// The one writer of standard error. A line is written at once when that cannot block, so that an event stands in the log
/// before its answer is sent; otherwise lines are queued and written by a thread of its own, so that a slow reader of the
/// log delays no request. When the reader stalls for so long that 64 MiB are waiting, further lines are counted and dropped.
/// </summary>
internal sealed class StderrLines : IDisposable
{
    private const long MaxQueuedBytes = 64L * 1024 * 1024;
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<byte[]> _queue = new(new ConcurrentQueue<byte[]>());
    private readonly Stream _stream;
    private readonly Func<int, bool> _takesAtOnce;
    private readonly Lock _writing = new();
    private readonly Thread _thread;
    private long _queuedBytes;
    private long _dropped;

    public StderrLines()
        : this(Console.OpenStandardError(), StderrReadiness.TakesAtOnce)
    {
    }

    public StderrLines(Stream stream)
        : this(stream, static _ => false)
    {
    }

    /// <param name="takesAtOnce">Whether the stream takes so many bytes now without blocking.</param>
    internal StderrLines(Stream stream, Func<int, bool> takesAtOnce)
    {
        _stream = stream;
        _takesAtOnce = takesAtOnce;
        _thread = new Thread(WriteLoop) { IsBackground = true, Name = "stderr" };
        _thread.Start();
    }

    /// <summary>Writes or queues one line; <paramref name="line"/> ends with a newline and is not changed afterwards.</summary>
    public void Write(byte[] line)
    {
        if (WritesAtOnce(line))
        {
            return;
        }

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

    /// <summary>Only when nothing is queued and nobody is writing: lines keep their order.</summary>
    private bool WritesAtOnce(byte[] line)
    {
        if (Interlocked.Read(ref _queuedBytes) > 0 || !_writing.TryEnter())
        {
            return false;
        }

        try
        {
            if (Interlocked.Read(ref _queuedBytes) > 0 || !_takesAtOnce(line.Length))
            {
                return false;
            }

            _stream.Write(line);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return true; // Nobody reads standard error any more.
        }
        finally
        {
            _writing.Exit();
        }
    }

    private void WriteLoop()
    {
        foreach (var line in _queue.GetConsumingEnumerable())
        {
            try
            {
                lock (_writing)
                {
                    _stream.Write(line);
                    WriteDropped();
                }
            }
            catch (IOException)
            {
                // Nobody reads standard error any more; the gateway goes on without a log.
            }

            Interlocked.Add(ref _queuedBytes, -line.Length);
        }
    }

    private void WriteDropped()
    {
        var dropped = _queue.Count == 0 ? Interlocked.Exchange(ref _dropped, 0) : 0;
        if (dropped > 0)
        {
            _stream.Write(System.Text.Encoding.UTF8.GetBytes($"[gateway] {dropped} log lines were dropped: standard error was not read fast enough\n"));
        }
    }
}
