using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>
/// Reads a Protocol Buffers message without its definition (the wire format, fields by number), as far as a test looks
/// into an export.
/// </summary>
internal sealed class ProtobufFields(ReadOnlyMemory<byte> message)
{
    /// <summary>
    /// The fields of one number that hold bytes (texts, bytes and messages) or eight of them (numbers of 64 bits).
    /// </summary>
    public IEnumerable<ReadOnlyMemory<byte>> All(int number)
    {
        var rest = message;
        while (rest.Length > 0)
        {
            var tag = (int)Varint(ref rest);
            ReadOnlyMemory<byte> value;
            switch (tag & 7)
            {
                case 0:
                    Varint(ref rest);
                    continue;
                case 1:
                    (value, rest) = (rest[..sizeof(long)], rest[sizeof(long)..]);
                    break;
                case 5:
                    rest = rest[sizeof(int)..];
                    continue;
                case 2:
                    var length = (int)Varint(ref rest);
                    (value, rest) = (rest[..length], rest[length..]);
                    break;
                default:
                    throw new InvalidDataException($"wire type {tag & 7}");
            }

            if (tag >> 3 == number)
            {
                yield return value;
            }
        }
    }

    public IEnumerable<ProtobufFields> Messages(int number) => All(number).Select(value => new ProtobufFields(value));

    public string Text(int number) =>
        All(number).Select(value => Encoding.UTF8.GetString(value.Span)).FirstOrDefault("");

    public string Hex(int number) =>
        All(number).Select(value => Convert.ToHexStringLower(value.Span)).FirstOrDefault("");

    private static ulong Varint(ref ReadOnlyMemory<byte> rest)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = rest.Span[0];
            rest = rest[1..];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }
}

/// <summary>A span of an OTLP export (opentelemetry/proto/trace/v1/trace.proto).</summary>
internal sealed record ExportedSpan(
    string Name, string TraceId, string SpanId, string ParentId, IReadOnlyDictionary<string, string> Attributes)
{
    public static IEnumerable<ExportedSpan> Read(ReadOnlyMemory<byte> export) =>
        from resource in new ProtobufFields(export).Messages(1)
        from scope in resource.Messages(2)
        from span in scope.Messages(2)
        select new ExportedSpan(
            span.Text(5), span.Hex(1), span.Hex(2), span.Hex(4),
            span.Messages(9).ToDictionary(pair => pair.Text(1), pair => pair.Messages(2).Single().Text(1)));
}

/// <summary>
/// A metric of an OTLP export, summed over its points (opentelemetry/proto/metrics/v1/metrics.proto).
/// </summary>
/// <param name="Count">Of a histogram: how many values it has.</param>
/// <param name="Sum">Of a histogram its sum, else what all points add up to.</param>
internal sealed record ExportedMetric(string Name, ulong Count, double Sum)
{
    private const int Gauge = 5;
    private const int SumKind = 7;
    private const int Histogram = 9;

    public static IEnumerable<ExportedMetric> Read(ReadOnlyMemory<byte> export) =>
        from resource in new ProtobufFields(export).Messages(1)
        from scope in resource.Messages(2)
        from metric in scope.Messages(2)
        select Of(metric);

    private static ExportedMetric Of(ProtobufFields metric)
    {
        var numbers = Points(metric, Gauge).Concat(Points(metric, SumKind)).ToArray();
        var histograms = Points(metric, Histogram).ToArray();
        return new ExportedMetric(
            metric.Text(1),
            (ulong)histograms.Sum(point => point.All(4).Sum(count => BitConverter.ToInt64(count.Span))),
            histograms.Sum(point => point.All(5).Sum(Double))
                + numbers.Sum(point => point.All(4).Sum(Double)
                    + point.All(6).Sum(number => BitConverter.ToInt64(number.Span))));
    }

    private static IEnumerable<ProtobufFields> Points(ProtobufFields metric, int kind) =>
        metric.Messages(kind).SelectMany(data => data.Messages(1));

    private static double Double(ReadOnlyMemory<byte> bytes) => BitConverter.ToDouble(bytes.Span);
}
