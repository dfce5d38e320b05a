using System.Buffers;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Messages;

/// <summary>
/// How many tokens a request probably has, for a model whose provider counts none (<c>models[].count_tokens:
/// estimate</c>). No provider's tokenizer is here: words are taken for a token every four letters, digits for one every
/// two, signs for most of one each, and what it may be wrong by is said in docs/upstreams.md.
/// </summary>
internal static class TokenEstimate
{
    private const int TokensPerMessage = 5;
    private const int TokensPerTool = 12;

    /// <summary>What the provider tells the model of tools as soon as there are any.</summary>
    private const int TokensForTools = 350;

    /// <summary>The largest an image is scaled down to.</summary>
    private const int TokensPerImage = 1600;
    private const int MinTokensPerDocument = 2000;
    private const int DocumentBytesPerToken = 20;

    /// <summary>What is longer and named "data" is no text.</summary>
    private const int MinMediaLength = 256;
    private const int Tenths = 10;

    /// <param name="body">JSON, an object.</param>
    public static long Of(ReadOnlySpan<byte> body)
    {
        long tenths = 0;
        var members = new TopLevelMembers(body);
        while (members.MoveNext())
        {
            var isTools = members.NameIs("tools"u8);
            var isMessages = members.NameIs("messages"u8);
            var isCounted = isTools || isMessages || members.NameIs("system"u8);
            members.ReadValue();
            if (!isCounted)
            {
                continue;
            }

            var (inside, items) = Inside(body[members.ValueStart..members.ValueEnd]);
            tenths += inside + (items * Tenths * (isTools ? TokensPerTool : TokensPerMessage));
            tenths += isTools && items > 0 ? TokensForTools * Tenths : 0;
        }

        return Math.Max(1, (tenths + Tenths - 1) / Tenths);
    }

    /// <summary>Everything that is said in a JSON value, and how many items it has if it is a list.</summary>
    private static (long Tenths, int Items) Inside(ReadOnlySpan<byte> value)
    {
        var json = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = int.MaxValue });
        long tenths = 0;
        var items = 0;
        bool isMedia = false, isOpaque = false;
        while (json.Read())
        {
            items += json.CurrentDepth == 1 && json.TokenType == JsonTokenType.StartObject ? 1 : 0;
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    isMedia = json.TextIs("data"u8);
                    isOpaque = json.TextIs("signature"u8) || json.TextIs("cache_control"u8) || json.TextIs("type"u8)
                        || json.TextIs("media_type"u8);
                    tenths += isOpaque || isMedia ? 0 : Text(json.ValueSpan);
                    break;
                case JsonTokenType.String when isMedia && json.ValueSpan.Length > MinMediaLength:
                    tenths += Media(json.ValueSpan) * Tenths;
                    break;
                case JsonTokenType.String when !isOpaque:
                    tenths += Said(ref json);
                    break;
                case JsonTokenType.Number:
                    tenths += Text(json.ValueSpan);
                    break;
                default:
                    break;
            }
        }

        return (tenths, items);
    }

    private static long Said(ref Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return Text(json.ValueSpan);
        }

        return Text(Encoding.UTF8.GetBytes(json.ReadText()));
    }

    private static long Media(ReadOnlySpan<byte> base64) =>
        base64.StartsWith("JVBERi"u8)
            ? Math.Max(MinTokensPerDocument, base64.Length * 3L / 4 / DocumentBytesPerToken)
            : TokensPerImage;

    /// <summary>In tenths of a token.</summary>
    private static long Text(ReadOnlySpan<byte> utf8)
    {
        long tenths = 0;
        var (kind, length) = (Kind.Blank, 0);
        while (!utf8.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(utf8, out var rune, out var read) != OperationStatus.Done)
            {
                rune = Rune.ReplacementChar;
            }

            utf8 = utf8[read..];
            var next = KindOf(rune);
            if (next == kind)
            {
                length++;
                continue;
            }

            tenths += Run(kind, length);
            (kind, length) = (next, 1);
        }

        return tenths + Run(kind, length);
    }

    private static Kind KindOf(Rune rune) =>
        rune.Value is ' ' or '\t' ? Kind.Blank
        : rune.Value is '\n' or '\r' ? Kind.Line
        : rune.Value < 0x80 ? Rune.IsLetter(rune) ? Kind.Letter : Rune.IsDigit(rune) ? Kind.Digit : Kind.Sign
        : rune.Value < 0x250 && Rune.IsLetter(rune) ? Kind.Letter
        : rune.Value < 0x2000 && Rune.IsLetter(rune) ? Kind.ForeignLetter
        : rune.IsBmp && Rune.IsLetter(rune) ? Kind.Ideograph
        : Kind.Symbol;

    /// <summary>In tenths of a token; a word's blank before it is part of its token.</summary>
    private static long Run(Kind kind, int length) => kind switch
    {
        Kind.Letter => (length + 3) / 4 * Tenths,
        Kind.ForeignLetter => (length + 2) / 3 * Tenths,
        Kind.Digit => (length + 1) / 2 * Tenths,
        Kind.Sign => length * 8L,
        Kind.Ideograph => length * 12L,
        Kind.Symbol => length * 20L,
        Kind.Line => Tenths,
        _ => length > 1 ? Tenths : 0,
    };

    private enum Kind
    {
        Blank,
        Line,
        Letter,

        /// <summary>Greek, Cyrillic, Hebrew, Arabic and other alphabets.</summary>
        ForeignLetter,
        Digit,
        Sign,

        /// <summary>Chinese, Japanese, Korean.</summary>
        Ideograph,
        Symbol,
    }
}
