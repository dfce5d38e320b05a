namespace ClaudeGateway.Models;

/// <summary>
/// A model's name as a client wrote it, fit for an error message: printable ASCII only and cut to a length, so that
/// nobody's terminal or log is written to through it.
/// </summary>
internal static class QuotedModel
{
    private const int MaxLength = 128;

    public static string Of(string model)
    {
        var printable = model.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? string.Concat(model.Where(character => character is >= ' ' and <= '~'))
            : model;
        return printable.Length > MaxLength ? printable[..MaxLength] + "..." : printable;
    }
}
