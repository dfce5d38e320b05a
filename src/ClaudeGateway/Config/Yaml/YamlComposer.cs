using ClaudeGateway.Settings;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ClaudeGateway.Config.Yaml;

/// <summary>
/// Composes YAML events (YAML 1.2.2 section 3.1) into <see cref="YamlNode"/>s: anchors, aliases, merge keys, scalars
/// typed by the core schema. Depth is bounded here because the events come from a parser that does not recurse.
/// </summary>
internal sealed class YamlComposer
{
    private const int MaxDepth = 64;

    private readonly Parser _parser;
    private readonly Action<ConfigPosition, string> _warn;
    private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);

    private YamlComposer(string text, Action<ConfigPosition, string> warn)
    {
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        _warn = warn;
    }

    /// <param name="warn">Told of each key that is given twice.</param>
    /// <exception cref="YamlReadException">Not exactly one well-formed document.</exception>
    public static YamlNode Compose(string text, Action<ConfigPosition, string> warn)
    {
        try
        {
            return new YamlComposer(text, warn).Document();
        }
        catch (YamlException e)
        {
            throw YamlSyntaxError.From(e, text);
        }
#pragma warning disable CA1031 // The scanner has been seen to fail with framework exceptions on malformed text.
        catch (Exception e) when (e is not YamlReadException and not OutOfMemoryException)
#pragma warning restore CA1031
        {
            throw new YamlReadException("not YAML", e);
        }
    }

    private static ConfigPosition At(Mark mark) => new((int)mark.Line, (int)mark.Column);

    private YamlNode Document()
    {
        _parser.MoveNext();
        Next<StreamStart>();
        if (_parser.Current is StreamEnd)
        {
            return new YamlScalar(new ConfigPosition(1, 1), ScalarType.Null, "", 0);
        }

        Next<DocumentStart>();
        var root = Node(0);
        Next<DocumentEnd>();
        return _parser.Current is DocumentStart second
            ? throw new YamlReadException(
                At(second.Start), "a second YAML document begins here: gateway.yaml is one document, remove the '---'")
            : root;
    }

    private YamlNode Node(int depth)
    {
        var start = _parser.Current!;
        if (depth > MaxDepth)
        {
            throw new YamlReadException(At(start.Start), $"nested deeper than {MaxDepth} levels");
        }

        if (start is AnchorAlias alias)
        {
            _parser.MoveNext();
            return _anchors.TryGetValue(alias.Value.Value, out var target)
                ? target
                : throw new YamlReadException(At(alias.Start), $"alias *{alias.Value.Value} has no anchor before it");
        }

        YamlNode node = start switch
        {
            Scalar scalar => Scalar(scalar),
            SequenceStart => List(depth),
            MappingStart => Map(depth),
            _ => throw new YamlReadException(At(start.Start), "not YAML"),
        };
        if (start is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _anchors[anchored.Anchor.Value] = node;
        }

        return node;
    }

    private YamlScalar Scalar(Scalar scalar)
    {
        _parser.MoveNext();
        return YamlScalarType.Resolve(scalar, At(scalar.Start));
    }

    private YamlList List(int depth)
    {
        var position = At(Next<SequenceStart>().Start);
        var items = new List<YamlNode>();
        while (_parser.Current is not SequenceEnd)
        {
            items.Add(Node(depth + 1));
        }

        _parser.MoveNext();
        return new YamlList(position, items);
    }

    private YamlMap Map(int depth)
    {
        var position = At(Next<MappingStart>().Start);
        var entries = new MapEntries(_warn);
        while (_parser.Current is not MappingEnd)
        {
            var keyEvent = _parser.Current!;
            if (Node(depth + 1) is not YamlScalar key)
            {
                throw new YamlReadException(At(keyEvent.Start), "a key must be text");
            }

            var isMerge = keyEvent is Scalar { Value: "<<" };
            var value = Node(depth + 1);
            if (isMerge)
            {
                entries.Merge(value);
            }
            else
            {
                entries.Add(new YamlEntry(key.Type is ScalarType.Null ? "null" : key.Text, At(keyEvent.Start), value));
            }
        }

        _parser.MoveNext();
        return new YamlMap(position, entries.InOrder());
    }

    private T Next<T>()
        where T : ParsingEvent
    {
        if (_parser.Current is not T current)
        {
            throw new YamlReadException(At(_parser.Current?.Start ?? Mark.Empty), "not YAML");
        }

        _parser.MoveNext();
        return current;
    }
}
