using System.Runtime.InteropServices;
using System.Text.Json;

namespace ClaudeGateway.Json;

/// <summary>
/// Where the members of a JSON object stand, found in one walk and read by everybody who looks for one or edits the
/// text. Twelve bytes a member, so that a body made of members costs less than three times its length.
/// </summary>
internal sealed class JsonMembers
{
    private readonly List<Position> _positions = new(16);

    /// <param name="json">Must outlive the table.</param>
    /// <param name="firstMember">The position after the opening brace.</param>
    public JsonMembers(ReadOnlyMemory<byte> json, int firstMember)
    {
        Json = json;
        FirstMember = firstMember;
    }

    /// <summary>The text.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The position after the opening brace.</summary>
    public int FirstMember { get; }

    /// <summary>How many members there are; of one name each counts.</summary>
    public int Count => _positions.Count;

    /// <summary>The table of a text that has been checked: a JSON object.</summary>
    public static JsonMembers Of(ReadOnlyMemory<byte> json)
    {
        var members = new TopLevelMembers(json.Span);
        var table = new JsonMembers(json, members.FirstMember);
        while (members.MoveNext())
        {
            members.ReadValue();
            table.Add(in members);
        }

        return table;
    }

    /// <summary>Adds the member that is being walked, whose value has been read.</summary>
    public void Add(ref readonly TopLevelMembers member) =>
        _positions.Add(new Position(member.Start, member.ValueStart, member.ValueEnd));

    /// <summary>The position of the opening quote of a member's name.</summary>
    public int Start(int index) => _positions[index].Start;

    /// <summary>Where a member's value stands.</summary>
    public Range ValueRange(int index) => _positions[index].ValueStart.._positions[index].ValueEnd;

    /// <summary>The first byte of a member's value, which tells its kind.</summary>
    public byte ValueKind(int index) => Json.Span[_positions[index].ValueStart];

    /// <summary>A member's value.</summary>
    public ReadOnlySpan<byte> Value(int index) => Json.Span[ValueRange(index)];

    /// <summary>The last member of that name, which a parser takes of several; -1 without one.</summary>
    public int FindLast(ReadOnlySpan<byte> name)
    {
        for (var index = Count - 1; index >= 0; index--)
        {
            if (NameIs(index, name))
            {
                return index;
            }
        }

        return -1;
    }

    /// <summary>Whether a member's name, escapes decoded, is <paramref name="utf8"/>.</summary>
    /// <param name="utf8">ASCII without quotes, slashes and control characters.</param>
    public bool NameIs(int index, ReadOnlySpan<byte> utf8)
    {
        ref readonly var position = ref CollectionsMarshal.AsSpan(_positions)[index];
        var name = Json.Span[(position.Start + 1)..position.ValueStart];
        if (name.Length > utf8.Length && name[utf8.Length] == (byte)'"' && name.StartsWith(utf8))
        {
            return true;
        }

        return name.Contains((byte)'\\') && NameReader(index).TextIs(utf8);
    }

    /// <summary>A member's name, escapes decoded; as it stands there when that is not Unicode.</summary>
    public string Name(int index) => NameReader(index).ReadText();

    private Utf8JsonReader NameReader(int index)
    {
        var position = _positions[index];
        var reader = new Utf8JsonReader(Json.Span[position.Start..position.ValueStart], isFinalBlock: false, default);
        reader.Read();
        return reader;
    }

    private readonly record struct Position(int Start, int ValueStart, int ValueEnd);
}
