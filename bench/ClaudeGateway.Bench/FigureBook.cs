using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Bench;

/// <summary>What a figure is, and with it how far it may be off the kept one.</summary>
internal enum FigureKind
{
    /// <summary>Bytes on the heap: the same on every machine.</summary>
    Bytes,

    /// <summary>
    /// A time as a multiple of a fixed piece of work on the same machine (<see cref="Calibration"/>), or of another
    /// time.
    /// </summary>
    Ratio,

    /// <summary>Compared with a bound of its own instead of an earlier run.</summary>
    Bounded,
}

/// <summary>The figures of this run, and those of an earlier one in bench/figures.json.</summary>
internal sealed class FigureBook
{
    private const double RatioTolerance = 1.6; // Seen between runs on a shared machine with two cores: up to 1.4.
    // The compiler puts an object on the stack in one run and not in the next. Nothing stays nothing.
    private const double BytesTolerance = 1.25;
    private const double BytesSlack = 1;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly List<(string Name, double Value, FigureKind Kind, double Most)> _figures = [];

    private static string Path => Repository.File("bench/figures.json");

    /// <param name="most">The bound of a <see cref="FigureKind.Bounded"/> one.</param>
    public void Add(string name, double value, FigureKind kind, double most = 0) =>
        _figures.Add((name, Math.Round(value, kind == FigureKind.Bytes ? 0 : 3), kind, most));

    public void Keep()
    {
        File.WriteAllText(
            Path,
            JsonSerializer.Serialize(
                _figures.Where(figure => figure.Kind != FigureKind.Bounded)
                .ToDictionary(figure => figure.Name, figure => figure.Value),
                Indented) + "\n");
        Console.WriteLine($"\nkept the figures in bench/figures.json");
    }

    /// <returns>1 when a figure is worse than it may be.</returns>
    public int Compare()
    {
        var kept = File.Exists(Path)
            ? JsonSerializer.Deserialize<Dictionary<string, double>>(File.ReadAllText(Path))!
            : [];
        Line("", "this run", "kept", "");
        var isWorse = false;
        foreach (var (name, value, kind, most) in _figures)
        {
            double? before = kept.TryGetValue(name, out var known) ? known : null;
            var verdict = kind == FigureKind.Bounded ? Judge(value, most) : Judge(kind, value, before);
            isWorse |= verdict == "WORSE";
            Line(
                name,
                Text(value),
                kind == FigureKind.Bounded ? $"<= {Text(most)}" : before is { } shown ? Text(shown) : "-",
                verdict);
        }

        return isWorse ? 1 : 0;
    }

    private static string Judge(FigureKind kind, double value, double? kept) => (kind, kept) switch
    {
        (_, null) => "new",
        (FigureKind.Bytes, { } before) =>
            Judge(value, before, (before * BytesTolerance) + BytesSlack, (before / BytesTolerance) - BytesSlack),
        (_, { } before) => Judge(value, before, before * RatioTolerance, before / RatioTolerance),
    };

    private static string Judge(double value, double most) => value > most ? "WORSE" : "";

    private static string Judge(double value, double kept, double most, double least) =>
        value > most ? "WORSE" : value < least ? "better" : value > kept ? "a little worse, within tolerance" : "";

    private static void Line(string name, string value, string kept, string verdict) =>
        Console.WriteLine($"{name,-78}{value,11}{kept,11}  {verdict}".TrimEnd());

    private static string Text(double value) => value.ToString("#,0.###", CultureInfo.InvariantCulture);
}
