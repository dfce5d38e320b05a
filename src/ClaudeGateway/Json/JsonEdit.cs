using System.Runtime.InteropServices;
using System.Text.Json;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Json;

/// <summary>
/// Changes top-level members of a JSON object in place: the result is made of pieces of the original with a few new
/// ones between, so every byte that is not edited stays as it came (numbers, escapes, order, whitespace, duplicates).
/// The text must have been checked by <see cref="MessagesRequest"/>.
/// </summary>
internal sealed class JsonEdit(JsonMembers members)
{
    public JsonEdit(ReadOnlyMemory<byte> json)
        : this(JsonMembers.Of(json))
    {
    }

    private readonly List<(byte[] Name, ReadOnlyMemory<byte>? Value)> _changes = [];
    private readonly List<(byte[] Name, ReadOnlyMemory<byte> Value)> _added = [];

    /// <summary>
    /// Gives every member of that name this value; does nothing without one. <paramref name="value"/> is JSON.
    /// </summary>
    public JsonEdit Replace(ReadOnlySpan<byte> name, ReadOnlyMemory<byte> value)
    {
        _changes.Add((name.ToArray(), value));
        return this;
    }

    /// <summary>Removes every member of that name.</summary>
    public JsonEdit Remove(ReadOnlySpan<byte> name)
    {
        _changes.Add((name.ToArray(), null));
        return this;
    }

    /// <summary>
    /// Puts a member before the others. The object must not have one of that name; <paramref name="value"/> is JSON.
    /// </summary>
    public JsonEdit Add(ReadOnlySpan<byte> name, ReadOnlyMemory<byte> value)
    {
        _added.Add((name.ToArray(), value));
        return this;
    }

    /// <summary>A string as a JSON value.</summary>
    public static byte[] String(string value) => JsonSerializer.SerializeToUtf8Bytes(value, JsonText.Default.String);

    /// <summary>The edited text in pieces; they refer to the original's memory.</summary>
    public ReadOnlyMemory<byte>[] Apply()
    {
        var json = members.Json;
        var pieces = new List<ReadOnlyMemory<byte>>();
        var copied = members.FirstMember;
        pieces.Add(json[..copied]);
        var additions = pieces.Count;
        var keptEnd = -1;
        var removedRun = false;
        for (var index = 0; index < members.Count; index++)
        {
            if (removedRun && keptEnd < 0)
            {
                // Nothing is kept yet: what is left of the removed members up to this one, comma included, goes too.
                copied = members.Start(index);
            }

            var change = ChangeOf(index);
            var value = members.ValueRange(index);
            if (change < 0 || _changes[change].Value is not null)
            {
                if (change >= 0)
                {
                    pieces.Add(json[copied..value.Start.Value]);
                    pieces.Add(_changes[change].Value!.Value);
                    copied = value.End.Value;
                }

                keptEnd = value.End.Value;
                continue;
            }

            // A removed member takes the comma before it along, or without a kept one before it the comma behind it.
            pieces.Add(json[copied..(keptEnd < 0 ? members.Start(index) : Math.Max(copied, keptEnd))]);
            copied = value.End.Value;
            removedRun = true;
        }

        pieces.Add(json[copied..]);
        Insert(pieces, additions, keptEnd < 0);
        return [.. pieces.Where(piece => piece.Length > 0)];
    }

    private int ChangeOf(int index)
    {
        var changes = CollectionsMarshal.AsSpan(_changes);
        for (var i = 0; i < changes.Length; i++)
        {
            if (members.NameIs(index, changes[i].Name))
            {
                return i;
            }
        }

        return -1;
    }

    private void Insert(List<ReadOnlyMemory<byte>> pieces, int at, bool restIsEmpty)
    {
        for (var i = 0; i < _added.Count; i++)
        {
            var (name, value) = _added[i];
            var last = restIsEmpty && i == _added.Count - 1;
            pieces.InsertRange(
                at,
                [
                    String(System.Text.Encoding.UTF8.GetString(name)),
                    ":"u8.ToArray(),
                    value,
                    last ? default : ","u8.ToArray()]);
            at += 4;
        }
    }
}
