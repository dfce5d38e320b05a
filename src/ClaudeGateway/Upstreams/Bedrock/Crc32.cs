using System.Buffers.Binary;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>The CRC-32 of IEEE 802.3 (polynomial 0x04C11DB7, reflected), eight bytes a step; the framework has none.</summary>
internal static class Crc32
{
    private const uint ReflectedPolynomial = 0xEDB88320;

    private static readonly uint[][] Tables = CreateTables();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        var (t0, t1, t2, t3, t4, t5, t6, t7) = (Tables[0], Tables[1], Tables[2], Tables[3], Tables[4], Tables[5], Tables[6], Tables[7]);
        var crc = uint.MaxValue;
        while (data.Length >= 8)
        {
            var low = crc ^ BinaryPrimitives.ReadUInt32LittleEndian(data);
            var high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = t7[low & 0xFF] ^ t6[(low >> 8) & 0xFF] ^ t5[(low >> 16) & 0xFF] ^ t4[low >> 24]
                ^ t3[high & 0xFF] ^ t2[(high >> 8) & 0xFF] ^ t1[(high >> 16) & 0xFF] ^ t0[high >> 24];
            data = data[8..];
        }

        foreach (var b in data)
        {
            crc = (crc >> 8) ^ t0[(crc ^ b) & 0xFF];
        }

        return ~crc;
    }

    private static uint[][] CreateTables()
    {
        var tables = new uint[8][];
        tables[0] = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ ReflectedPolynomial;
            }

            tables[0][i] = crc;
        }

        for (var slice = 1; slice < 8; slice++)
        {
            tables[slice] = Array.ConvertAll(tables[slice - 1], previous => (previous >> 8) ^ tables[0][previous & 0xFF]);
        }

        return tables;
    }
}
