using ClaudeGateway.Telemetry;

namespace ClaudeGateway.Tests.Telemetry;

public sealed class ExportQueueTests
{
    private const int Half = (int)(ExportQueue.MaxBytes / 2);

    private readonly ExportQueue _queue = new(new DestinationCounts("telemetry.forward_to[0]", "collector"));

    [Fact]
    public void Bytes_are_bounded_and_freed_when_an_export_is_done()
    {
        Assert.True(_queue.TryAdd(Export(Half)));
        Assert.True(_queue.TryAdd(Export(Half)));
        Assert.False(_queue.TryAdd(Export(1)));

        _queue.Release(_queue.Take()!);

        Assert.True(_queue.TryAdd(Export(1)));
    }

    [Fact]
    public void An_export_being_sent_or_waiting_keeps_its_room()
    {
        _queue.TryAdd(Export(Half));
        _queue.TryAdd(Export(Half));
        _queue.Wait(_queue.Take()!);
        _queue.Take();

        Assert.False(_queue.TryAdd(Export(1)));
        Assert.Equal(2, _queue.Held);
    }

    [Fact]
    public void What_is_released_twice_frees_its_room_once()
    {
        _queue.TryAdd(Export(Half));
        _queue.TryAdd(Export(Half));
        var first = _queue.Take()!;

        _queue.Release(first);
        _queue.Release(first);

        Assert.Equal(1, _queue.Held);
        Assert.True(_queue.TryAdd(Export(Half)));
        Assert.False(_queue.TryAdd(Export(1)));
    }

    [Fact]
    public void What_was_released_while_it_waited_is_not_sent_again()
    {
        _queue.TryAdd(Export(1));
        var first = _queue.Take()!;
        _queue.Wait(first);

        _queue.Release(first);
        _queue.EndWaits();

        Assert.Null(_queue.Take());
    }

    [Fact]
    public void One_export_larger_than_the_bound_is_taken_when_nothing_else_is_held()
    {
        Assert.True(_queue.TryAdd(Export((int)ExportQueue.MaxBytes + 1)));
        Assert.False(_queue.TryAdd(Export(0)));
    }

    [Fact]
    public void The_number_of_exports_is_bounded()
    {
        for (var i = 0; i < ExportQueue.MaxExports; i++)
        {
            Assert.True(_queue.TryAdd(Export(0)));
        }

        Assert.False(_queue.TryAdd(Export(0)));
    }

    [Fact]
    public void An_export_that_waited_comes_before_newer_ones_and_only_once()
    {
        _queue.TryAdd(Export(1));
        _queue.TryAdd(Export(2));
        var first = _queue.Take()!;
        _queue.Wait(first);

        _queue.EndWait(first);
        _queue.EndWait(first);

        Assert.Equal([1, 2], [_queue.Take()!.Export.Body.Length, _queue.Take()!.Export.Body.Length]);
        Assert.Null(_queue.Take());
    }

    private static OtlpExport Export(int bytes) => new(OtlpSignal.Metrics, new byte[bytes], null, null);
}
