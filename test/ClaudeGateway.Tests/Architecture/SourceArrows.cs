using ClaudeGateway.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ClaudeGateway.Tests.Architecture;

/// <summary>
/// Which room of <c>src/ClaudeGateway</c> uses which, as the compiler sees it: every type that a piece of code names,
/// calls, is handed or hands on counts, also as argument of a delegate or a collection. A room is a folder directly
/// below the source; documentation does not count.
/// </summary>
internal sealed class SourceArrows
{
    private readonly string _root = Repository.File("src/ClaudeGateway");
    private readonly Dictionary<(string From, string To), SortedSet<string>> _uses = [];

    public static SourceArrows Read()
    {
        var arrows = new SourceArrows();
        var compilation = arrows.Compile();
        foreach (var file in compilation.SyntaxTrees.Where(tree => tree.FilePath.Length > 0))
        {
            arrows.Add(compilation.GetSemanticModel(file), file);
        }

        return arrows;
    }

    /// <summary>The whole source; what the compiler adds by itself is a tree without a path.</summary>
    public CSharpCompilation Compile()
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview);
        var files = Files().Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), options, file));
        var implicitUsings = CSharpSyntaxTree.ParseText(
            "global using System; global using System.Collections.Generic; global using System.IO; global using "
                + "System.Linq; "
                + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;",
            options);
        return CSharpCompilation.Create("source", [.. files, implicitUsings], References());
    }

    /// <summary>Every source file, with its full path.</summary>
    public IEnumerable<string> Files() =>
        Directory.EnumerateFiles(_root, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    /// <summary>Whom each room uses; a room that uses none is there too.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> ByRoom() => Files().Select(Room).Distinct().ToDictionary(
        room => room,
        IReadOnlyList<string> (room) => [.. _uses.Keys.Where(arrow => arrow.From == room).Select(arrow => arrow.To)],
        StringComparer.Ordinal);

    /// <summary>Where an arrow comes from: <c>file uses Type</c> each.</summary>
    public IEnumerable<string> Uses(string from, string to) => _uses.TryGetValue((from, to), out var uses) ? uses : [];

    /// <summary>The folder below the source that the file is in; "(root)" for those in none.</summary>
    public string Room(string file)
    {
        var path = Path.GetRelativePath(_root, file).Split(Path.DirectorySeparatorChar);
        return path.Length == 1 ? "(root)" : path[0];
    }

    private static IEnumerable<MetadataReference> References() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => !Path.GetFileName(file).StartsWith("claude", StringComparison.OrdinalIgnoreCase))
            .Select(file => MetadataReference.CreateFromFile(file));

    private void Add(SemanticModel model, SyntaxTree file)
    {
        var names = file.GetRoot().DescendantNodes(node => node is not UsingDirectiveSyntax)
            .Where(node => node is SimpleNameSyntax or BaseObjectCreationExpressionSyntax);
        foreach (var symbol in names.Select(name => model.GetSymbolInfo(name).Symbol))
        {
            foreach (var type in Types(symbol))
            {
                AddType(type, file.FilePath);
            }
        }
    }

    private static IEnumerable<ITypeSymbol> Types(ISymbol? symbol) => symbol switch
    {
        INamedTypeSymbol type => [type],
        IMethodSymbol method =>
            [
                method.ContainingType,
                method.ReturnType,
                .. method.Parameters.Select(p => p.Type),
                .. method.TypeArguments],
        IPropertySymbol property => [property.ContainingType, property.Type],
        IFieldSymbol field => [field.ContainingType, field.Type],
        IEventSymbol happening => [happening.ContainingType, happening.Type],
        ILocalSymbol local => [local.Type],
        IParameterSymbol parameter => [parameter.Type],
        _ => [],
    };

    private void AddType(ITypeSymbol? type, string file)
    {
        if (type is IArrayTypeSymbol array)
        {
            AddType(array.ElementType, file);
        }
        else if (type is INamedTypeSymbol named)
        {
            foreach (var argument in named.TypeArguments)
            {
                AddType(argument, file);
            }

            AddName(named, file);
        }
    }

    private void AddName(INamedTypeSymbol type, string file)
    {
        var outer = type.OriginalDefinition;
        while (outer.ContainingType is { } around)
        {
            outer = around;
        }

        if (outer.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath is not { Length: > 0 } declared
            || Room(declared) == Room(file))
        {
            return;
        }

        var arrow = (Room(file), Room(declared));
        if (!_uses.TryGetValue(arrow, out var uses))
        {
            _uses[arrow] = uses = new SortedSet<string>(StringComparer.Ordinal);
        }

        uses.Add($"{Path.GetRelativePath(_root, file)} uses {outer.Name}");
    }
}
