using System.Globalization;
using System.Text.Json;

namespace ClaudeGateway.Json;

/// <summary>
/// Says where in a JSON text a value stands, as the Messages API writes it: <c>fallbacks.0.model</c>.
/// </summary>
internal static class JsonValuePath
{
    /// <summary>A longer name is cut; nobody is shown more of it.</summary>
    private const int MaxNameBytes = 1024;

    /// <param name="json">Well-formed at least as far as the position.</param>
    /// <param name="position">The value's first byte.</param>
    public static string To(ReadOnlySpan<byte> json, int position)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var open = new List<Step>();
        while (reader.Read() && reader.TokenStartIndex < position)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    open[^1] = open[^1] with { Name = (int)reader.TokenStartIndex };
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    Count(open);
                    open.Add(new Step(None, None));
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    open.RemoveAt(open.Count - 1);
                    break;
                default:
                    Count(open);
                    break;
            }
        }

        Count(open);
        var names = new List<string>();
        foreach (var step in open)
        {
            names.Add(step.Name == None
                ? step.Index.ToString(CultureInfo.InvariantCulture)
                : NameAt(json[step.Name..]));
        }

        return string.Join('.', names);
    }

    private const int None = -1;

    /// <summary>One more value in the innermost array; a member's value changes nothing.</summary>
    private static void Count(List<Step> open)
    {
        if (open.Count > 0)
        {
            open[^1] = open[^1] with { Index = open[^1].Index + 1 };
        }
    }

    private static string NameAt(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        reader.Read();
        return reader.ValueSpan.Length > MaxNameBytes
            ? System.Text.Encoding.UTF8.GetString(reader.ValueSpan[..MaxNameBytes])
            : JsonNames.ReadText(in reader);
    }

    /// <summary>An object or array on the way, and which of its members or elements the way goes through.</summary>
    /// <param name="Name">The position of the member's name; -1 in an array.</param>
    private readonly record struct Step(int Name, int Index);
}
