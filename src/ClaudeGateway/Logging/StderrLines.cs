using System.Text;

namespace ClaudeGateway.Logging;

/// <summary>
/// The one writer of standard error. A line is written at once when that cannot block, so that an event stands in the
/// log before its answer is sent. Lines that come faster, or that the reader has no room for, are gathered and written
/// by a thread of its own, so that the log delays no request. When the reader stalls for so long that 64 MiB are
/// waiting, further lines are counted and dropped.
/// </summary>
internal sealed class StderrLines : IDisposable
{
    private const int MaxQueuedBytes = 64 * 1024 * 1024;
    private const int InitialBytes = 16 * 1024;

    /// <summary>A buffer that a burst made larger than this is not kept.</summary>
    private const int MaxKeptBytes = 1024 * 1024;

    /// <summary>
    /// Lines written at once in each <see cref="GatherTime"/>. Two system calls for every line, or waking the thread
    /// for it, took a fifth of all CPU at ten thousand requests a second; nobody reads along at that rate.
    /// </summary>
    private const int MaxAtOnce = 20;

    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Held while writing to the stream, and protects how much was written at once; taken before
    /// <see cref="_queueing"/> where both are.
    /// </summary>
    private readonly Lock _writing = new();

    /// <summary>Protects the buffer that lines gather in, its length and the count of dropped ones.</summary>
    private readonly Lock _queueing = new();
    private readonly ManualResetEventSlim _hasLines = new(false, spinCount: 0);
    private readonly ManualResetEventSlim _isClosing = new(false, spinCount: 0);
    private readonly Stream _stream;
    private readonly Func<int, bool> _takesAtOnce;
    private readonly Thread _thread;
    private byte[] _queued = new byte[InitialBytes];
    private volatile int _queuedLength;
    private long _dropped;
    private long _window;
    private int _writtenInWindow;

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

    /// <summary>Writes or queues one line, its newline included; the bytes are copied.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        if (!TryWriteAtOnce(line))
        {
            Queue(line);
        }
    }

    /// <summary>Writes what is queued, waiting at most five seconds for a stalled reader.</summary>
    public void Dispose()
    {
        _isClosing.Set();
        _hasLines.Set();
        if (_thread.Join(FlushTimeout))
        {
            _hasLines.Dispose();
            _isClosing.Dispose();
            _stream.Dispose();
        }
    }

    /// <summary>Only when nothing is queued and nobody is writing: lines keep their order.</summary>
    private bool TryWriteAtOnce(ReadOnlySpan<byte> line)
    {
        if (_queuedLength > 0 || !_writing.TryEnter())
        {
            return false;
        }

        try
        {
            if (_queuedLength > 0 || !IsSlowEnough_NeedsLock() || !_takesAtOnce(line.Length))
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

    private bool IsSlowEnough_NeedsLock()
    {
#pragma warning disable RS0030 // Read for every line; the log is there before any clock.
        var window = Environment.TickCount64 / GatherTime.Milliseconds;
#pragma warning restore RS0030
        if (window != _window)
        {
            (_window, _writtenInWindow) = (window, 0);
        }

        return ++_writtenInWindow <= MaxAtOnce;
    }

    private void Queue(ReadOnlySpan<byte> line)
    {
        lock (_queueing)
        {
            if (_queuedLength + line.Length > MaxQueuedBytes)
            {
                _dropped++;
                return;
            }

            if (_queued.Length - _queuedLength < line.Length)
            {
                Array.Resize(ref _queued, Math.Max(_queued.Length * 2, _queuedLength + line.Length));
            }

            line.CopyTo(_queued.AsSpan(_queuedLength));
            _queuedLength += line.Length;
        }

        if (!_hasLines.IsSet)
        {
            _hasLines.Set();
        }
    }

    private void WriteLoop()
    {
        var taken = new byte[InitialBytes];
        bool isClosing;
        do
        {
            _hasLines.Wait();
            // Lines gather meanwhile; closing cuts the wait short.
            isClosing = _isClosing.Wait(GatherTime);
            _hasLines.Reset();
            lock (_writing)
            {
                WriteOut_NeedsLock(Take(ref taken, out var dropped), dropped);
            }

            taken = taken.Length > MaxKeptBytes ? new byte[InitialBytes] : taken;
        }
        while (!isClosing);
    }

    /// <summary>Takes all lines queued so far by swapping buffers with those who queue.</summary>
    private ReadOnlySpan<byte> Take(ref byte[] taken, out long dropped)
    {
        lock (_queueing)
        {
            var length = _queuedLength;
            (_queued, taken) = (taken, _queued);
            _queuedLength = 0;
            (dropped, _dropped) = (_dropped, 0);
            return taken.AsSpan(0, length);
        }
    }

    private void WriteOut_NeedsLock(ReadOnlySpan<byte> lines, long dropped)
    {
        try
        {
            _stream.Write(lines);
            if (dropped > 0)
            {
                _stream.Write(
                    Encoding.UTF8.GetBytes(
                        $"[gateway] {dropped} log lines were dropped: standard error was not read fast enough\n"));
            }

            _stream.Flush();
        }
        catch (IOException)
        {
            // Nobody reads standard error any more; the gateway goes on without a log.
        }
    }
}
