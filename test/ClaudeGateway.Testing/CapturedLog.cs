using System.Text;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>Stands in for standard error: keeps every line, and lets a test await one.</summary>
internal sealed class CapturedLog : Stream
{
    private readonly List<string> _lines = [];
    private readonly List<byte> _partial = [];
    private readonly Signal _changed = new();

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Audit events so far, all or those of one kind.</summary>
    public IReadOnlyList<JsonElement> Audit(string? evt = null) =>
        [.. Lines.Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(e => evt is null || e.GetProperty("evt").GetString() == evt)];

    /// <summary>The nth event of a kind, counted from 1, awaited: events are written after the answer.</summary>
    public async Task<JsonElement> AuditAsync(string evt, int nth = 1)
    {
        await _changed.UntilAsync(() => Audit(evt).Count >= nth, $"audit event {evt} number {nth}");
        return Audit(evt)[nth - 1];
    }

    /// <summary>The first line that contains <paramref name="text"/>, awaited.</summary>
    public async Task<string> LineAsync(string text)
    {
        string? found = null;
        await _changed.UntilAsync(
            () => (found = Lines.FirstOrDefault(l => l.Contains(text, StringComparison.Ordinal))) is not null,
            $"log line with \"{text}\"");
        return found!;
    }

    /// <summary>Awaits as many lines that contain <paramref name="text"/>.</summary>
    public Task LineCountAsync(string text, int count) =>
        _changed.UntilAsync(
            () => Lines.Count(l => l.Contains(text, StringComparison.Ordinal)) >= count,
            $"{count} log lines with \"{text}\"");

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        foreach (var b in buffer)
        {
            if (b != (byte)'\n')
            {
                _partial.Add(b);
                continue;
            }

            lock (_lines)
            {
                _lines.Add(Encoding.UTF8.GetString([.. _partial]));
            }

            _partial.Clear();
        }

        _changed.Set();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
