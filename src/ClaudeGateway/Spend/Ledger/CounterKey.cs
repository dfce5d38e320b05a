using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Spend.Ledger;

internal enum CounterKind
{
    /// <summary>Everything one developer spends.</summary>
    User,

    /// <summary>What a group's shared budget has paid.</summary>
    Pool,
}

/// <summary>
/// Names a counter in the store and between replicas: 128 bits of SHA-256 over kind and id, so that an id of any length
/// and content fits an index and a notification.
/// </summary>
internal readonly record struct CounterKey(UInt128 Value)
{
    public static CounterKey Of(CounterKind kind, string id) => Of(kind == CounterKind.User ? "user" : "pool", id);

    /// <summary>The same for the holder of a cap.</summary>
    public static CounterKey Of(SpendScope scope) => Of("limit " + scope.TypeName, scope.Id);

    public static CounterKey FromBytes(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    public byte[] ToBytes()
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return bytes;
    }

    /// <summary>32 lower-case hexadecimal digits, as the store writes them into a notification.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToBytes());

    private static CounterKey Of(string kind, string id) =>
        FromBytes(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{id}")).AsSpan(0, 16));
}
