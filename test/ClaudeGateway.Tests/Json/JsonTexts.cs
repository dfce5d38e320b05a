using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Json;

/// <summary>Generates JSON objects as text, with the spellings a byte-level editor must not be confused by.</summary>
internal static class JsonTexts
{
    private static readonly Gen<string> Space = Gen.Elements("", "", "", " ", "\n", "\t ", "\r\n  ");
    private static readonly Gen<string> Name = Gen.Elements(
        "model", "tags", "stream", "m\\u006fdel", "Model", "", "a\\\"b", "é", "messages", "x,y", "}{", "\\\\");
    private static readonly Gen<string> Scalar = Gen.Elements(
        "1", "1.0", "-0.0", "1e5", "12345678901234567890123", "true", "false", "null", "\"\"", "\"a\"",
        "\"\\u00e9\\ud83d\\ude00 \\/\"", "\"\\ud800\"", "\"},\\\"model\\\":\\\"x\\\"\"", "\"é😀\"", "\"\\\\\"");

    public static Arbitrary<string> Objects { get; } = Gen.Sized(size => Object(Math.Min(size, 24))).ToArbitrary();

    private static Gen<string> Value(int size) =>
        size <= 1 ? Scalar : Gen.Frequency((3, Scalar), (1, Object(size / 3)), (1, Array(size / 3)));

    private static Gen<string> Object(int size) => Wrapped('{', Member(size), '}');

    private static Gen<string> Array(int size) => Wrapped('[', Spaced(Value(size)), ']');

    private static Gen<string> Member(int size) =>
        from name in Name
        from before in Space
        from after in Space
        from value in Spaced(Value(size))
        from between in Space
        select $"{before}\"{name}\"{between}:{after}{value}";

    private static Gen<string> Spaced(Gen<string> gen) =>
        from before in Space
        from text in gen
        from after in Space
        select before + text + after;

    private static Gen<string> Wrapped(char open, Gen<string> item, char close) =>
        from items in item.ListOf()
        from space in Space
        select items.Count == 0 ? $"{open}{space}{close}" : $"{open}{string.Join(',', items)}{close}";
}
