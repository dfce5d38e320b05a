using System.Buffers.Binary;
using System.Reflection;
using ClaudeGateway.Composition;

namespace ClaudeGateway.Tests.Architecture;

/// <summary>
/// A value of several words is written and read word by word: whoever reads while another writes may see half of each.
/// Such a value may change only under a lock or where one thread at a time has it; anything else shared is one
/// reference to something that does not change.
/// </summary>
public sealed class TornValueTests
{
    private const BindingFlags All =
        BindingFlags.Instance | BindingFlags.Static
        | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Fields of several words that change, each with what keeps its readers and writers apart.</summary>
    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["Http.Serving.TlsCertificate._versions"] = "one look at the files at a time",
        ["Sessions.RevocationSync._seenUntil"] = "one round of its loop at a time",
        ["SignIn.Groups.DirectoryToken._accessToken"] = "_gate",
        ["Spend.Usage.ReportedUsage._cacheCreation"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._cacheCreation1h"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._cacheCreation5m"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._cacheRead"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._input"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._output"] = "the flow of one answer",
        ["Spend.Usage.ReportedUsage._webSearches"] = "the flow of one answer",
        ["Spend.Usage.UsageReader._finished"] = "the flow of one answer",
        ["Storage.StoreHealth._failingSince"] = "_lock",
        ["Telemetry.Breaker._openUntil"] = "the lock of the destination that owns it",
        ["Upstreams.Bedrock.BedrockBody.Fields.BudgetTokens"] = "the flow of one request",
        ["Upstreams.Responses.Quiet.QuietWait._read"] = "one wait at a time",
        ["Upstreams.Responses.Quiet.QuietWait._wait"] = "_gate, and one wait at a time",
        ["Upstreams.Responses.Quiet.WatchedBody._boundary"] = "the flow of one answer",
        ["Upstreams.Responses.Quiet.WatchedBody._next"] = "the flow of one answer",
    };

    [Fact]
    public void Every_changing_field_of_several_words_has_something_that_keeps_it_whole()
    {
        var found = typeof(GatewayApp).Assembly.GetTypes()
            .Where(type => type.IsClass && !type.Name.Contains('<', StringComparison.Ordinal))
            .SelectMany(type => type.GetFields(All))
            .Where(field => !field.IsInitOnly && !field.IsLiteral && !IsAtomic(field.FieldType))
            .Where(field => !IsKeptParameter(field) || IsAssigned(field, field.DeclaringType!))
            .Select(Name);

        Assert.Equal(Known.Keys.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(typeof(long), true)]
    [InlineData(typeof(TimeSpan), true)]
    [InlineData(typeof(string), true)]
    [InlineData(typeof(CancellationToken), true)]
    [InlineData(typeof(DayOfWeek), true)]
    [InlineData(typeof(int?), false)]
    [InlineData(typeof((string, Uri)), false)]
    [InlineData(typeof(decimal), false)]
    [InlineData(typeof(DateTimeOffset), false)]
    [InlineData(typeof(ReadOnlyMemory<byte>), false)]
    public void One_word_is_whole_and_several_are_not(Type type, bool isAtomic) =>
        Assert.Equal(isAtomic, IsAtomic(type));

    /// <summary>
    /// ECMA-335 I.12.6.6: reads and writes of at most a native word are atomic, of a structure's fields each by itself.
    /// </summary>
    private static bool IsAtomic(Type type)
    {
        if (!type.IsValueType || type.IsEnum || type.IsPointer || type.IsPrimitive)
        {
            return true;
        }

        var fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        return fields.Length == 0 || (fields.Length == 1 && IsAtomic(fields[0].FieldType));
    }

    /// <summary>Of a primary constructor: no keyword can make its field read-only.</summary>
    private static bool IsKeptParameter(FieldInfo field) => field.Name.EndsWith(">P", StringComparison.Ordinal);

    /// <summary>
    /// Whether a method, lambda or state machine of the type writes the field. May say yes too often.
    /// </summary>
    private static bool IsAssigned(FieldInfo field, Type type) =>
        type.GetMethods(All)
            .Any(method => method.GetMethodBody()?.GetILAsByteArray() is { } code && Stores(code, field.MetadataToken))
        || type.GetNestedTypes(All).Any(nested => IsAssigned(field, nested));

    private static bool Stores(ReadOnlySpan<byte> code, int field)
    {
        const byte StoreField = 0x7d;
        Span<byte> store = stackalloc byte[1 + sizeof(int)];
        store[0] = StoreField;
        BinaryPrimitives.WriteInt32LittleEndian(store[1..], field);
        return code.IndexOf(store) >= 0;
    }

    /// <summary>As the source has it: of a property its name, of a parameter that is kept its own.</summary>
    private static string Name(FieldInfo field)
    {
        var type = field.DeclaringType!.FullName!["ClaudeGateway.".Length..].Replace('+', '.');
        return $"{type}.{field.Name.Split('>')[0].TrimStart('<')}";
    }
}
