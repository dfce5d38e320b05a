using System.Buffers.Binary;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>Writes event-stream messages as the service does; its checksum is the plain bit-by-bit one.</summary>
internal static class EventStreamFrames
{
    public static byte[] Frame(ReadOnlySpan<byte> payload, params (string Name, string Value)[] headers)
    {
        var block = headers.SelectMany(
            h =>
                (byte[])[
                    (byte)h.Name.Length,
                    .. Encoding.UTF8.GetBytes(h.Name),
                    7,
                    (byte)(Encoding.UTF8.GetByteCount(h.Value) >> 8),
                    (byte)Encoding.UTF8.GetByteCount(h.Value),
                    .. Encoding.UTF8.GetBytes(h.Value)]).ToArray();
        return Frame(payload, block);
    }

    public static byte[] Frame(ReadOnlySpan<byte> payload, byte[] headerBlock)
    {
        var frame = new byte[12 + headerBlock.Length + payload.Length + 4];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)frame.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)headerBlock.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(8), Checksum(frame.AsSpan(0, 8)));
        headerBlock.CopyTo(frame, 12);
        payload.CopyTo(frame.AsSpan(12 + headerBlock.Length));
        BinaryPrimitives.WriteUInt32BigEndian(
            frame.AsSpan(frame.Length - 4), Checksum(frame.AsSpan(0, frame.Length - 4)));
        return frame;
    }

    /// <summary>A model event as Bedrock wraps it.</summary>
    public static byte[] Chunk(string json) =>
        Frame(
            Encoding.UTF8.GetBytes(
                $$"""{"bytes":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(json))}}","p":"abcdefgh"}"""),
            (":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event"));

    public static byte[] Exception(string type, string message) =>
        Frame(
            Encoding.UTF8.GetBytes($$"""{"message":"{{message}}"}"""),
            (":exception-type", type),
            (":content-type", "application/json"),
            (":message-type", "exception"));

    public static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return crc ^ 0xFFFFFFFF;
    }
}
