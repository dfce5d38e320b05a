using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ClaudeGateway.Tests.Architecture;

/// <summary>
/// What <c>src/ClaudeGateway</c> writes to standard error, as the compiler sees it: every line of the operational log
/// with <c>…</c> for what varies, and every audit event with its fields.
/// </summary>
internal sealed class SourceLog
{
    private static readonly string[] Levels = ["Info", "Warn", "Error", "Always"];

    /// <summary>Parameters that become a line somewhere else: of which type, its name, and the line.</summary>
    private static readonly (string Type, string Parameter, string Line)[] Sinks =
    [
        ("BackgroundLoop", "consequence", "error {0}: …: …"),
        ("DestinationReport", "condition", "warn …: {0}…"),
    ];

    private readonly CSharpCompilation _compilation = new SourceArrows().Compile();
    private readonly Dictionary<SyntaxTree, SemanticModel> _models = [];
    private readonly Dictionary<IMethodSymbol, List<InvocationExpressionSyntax>> _calls =
        new(SymbolEqualityComparer.Default);

    public static SourceLog Read()
    {
        var log = new SourceLog();
        log.FindCalls();
        log.ReadLines();
        log.ReadEvents();
        return log;
    }

    /// <summary>Level in small letters and text of every line whose words stand in the source at the call.</summary>
    public SortedSet<string> Lines { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Calls whose text is made elsewhere: <c>level Room/File.cs: text</c>, the text without any word.
    /// </summary>
    public SortedSet<string> Carriers { get; } = new(StringComparer.Ordinal);

    /// <summary>The fields of each event, <c>ts</c> and <c>evt</c> apart.</summary>
    public SortedDictionary<string, SortedSet<string>> Events { get; } = new(StringComparer.Ordinal);

    /// <summary>One model a file: each new one binds everything again.</summary>
    private SemanticModel Model(SyntaxNode node) => _models.TryGetValue(node.SyntaxTree, out var known)
        ? known : _models[node.SyntaxTree] = _compilation.GetSemanticModel(node.SyntaxTree);

    private IMethodSymbol? Target(SyntaxNode node) =>
        Model(node).GetSymbolInfo(node).Symbol is IMethodSymbol method ? method.ReducedFrom ?? method : null;

    private void FindCalls()
    {
        var calls = _compilation.SyntaxTrees.SelectMany(
            tree => tree.GetRoot().DescendantNodes().OfType<InvocationExpressionSyntax>());
        foreach (var call in calls)
        {
            if (Target(call)?.OriginalDefinition is { } method)
            {
                (_calls.TryGetValue(method, out var known) ? known : _calls[method] = []).Add(call);
            }
        }
    }

    private void ReadLines()
    {
        var names = _compilation.SyntaxTrees.SelectMany(
            tree => tree.GetRoot().DescendantNodes().OfType<IdentifierNameSyntax>());
        foreach (var name in names.Where(name => Levels.Contains(name.Identifier.ValueText)))
        {
            if (Target(name) is not { ContainingType.Name: "OperationalLog" } method)
            {
                continue;
            }

            var level = method.Name == "Always" ? "info" : method.Name.ToLowerInvariant();
            var call = name.Ancestors().OfType<InvocationExpressionSyntax>().FirstOrDefault();
            var isCalled = call is not null
                && (call.Expression == name
                    || (call.Expression is MemberAccessExpressionSyntax access && access.Name == name)
                    || (call.Expression is MemberBindingExpressionSyntax binding && binding.Name == name));
            foreach (var text in isCalled ? Texts(call!.ArgumentList.Arguments[0].Expression) : ["…"])
            {
                Add(level, text, name);
            }
        }

        var arguments = _compilation.SyntaxTrees.SelectMany(
            tree => tree.GetRoot().DescendantNodes().OfType<ArgumentSyntax>());
        foreach (var argument in arguments)
        {
            var parameter = argument.Parent?.Parent is { } call ? Parameter(argument, call) : null;
            foreach (var (type, name, line) in Sinks)
            {
                if (parameter?.Name == name && parameter.ContainingType.Name == type)
                {
                    Lines.UnionWith(Texts(argument.Expression).Where(HasWord).Select(
                        text => Merge(line.Replace("{0}", text, StringComparison.Ordinal))));
                }
            }
        }

        var yields = _compilation.SyntaxTrees.SelectMany(
            tree => tree.GetRoot().DescendantNodes().OfType<YieldStatementSyntax>());
        foreach (var line in yields.Where(
            line => line.FirstAncestorOrSelf<MethodDeclarationSyntax>()?.Identifier.ValueText == "Lines"
                && line.FirstAncestorOrSelf<ClassDeclarationSyntax>()?.Identifier.ValueText == "BootReport"))
        {
            Lines.UnionWith(Texts(line.Expression!).Select(text => $"info {text}"));
        }
    }

    private IParameterSymbol? Parameter(ArgumentSyntax argument, SyntaxNode call)
    {
        if (Target(call) is not { } method || argument.Parent is not ArgumentListSyntax list)
        {
            return null;
        }

        var index = list.Arguments.IndexOf(argument);
        return argument.NameColon is { } name
            ? method.Parameters.FirstOrDefault(parameter => parameter.Name == name.Name.Identifier.ValueText)
            : index < method.Parameters.Length ? method.Parameters[index] : null;
    }

    private void Add(string level, string text, SyntaxNode at)
    {
        if (HasWord(text))
        {
            _ = Lines.Add($"{level} {text}");
            return;
        }

        var file = at.SyntaxTree.FilePath;
        const string root = "src/ClaudeGateway/";
        var place = file[(file.IndexOf(root, StringComparison.Ordinal) + root.Length)..];
        _ = Carriers.Add($"{level} {place}: {text}");
    }

    private static bool HasWord(string text) => text.Any(char.IsLetter);

    /// <summary>The texts an expression can be, <c>…</c> for what varies.</summary>
    private IEnumerable<string> Texts(ExpressionSyntax expression)
    {
        if (Model(expression).GetConstantValue(expression) is { HasValue: true, Value: { } constant })
        {
            return [Convert.ToString(constant, System.Globalization.CultureInfo.InvariantCulture)!];
        }

        return expression switch
        {
            ParenthesizedExpressionSyntax inner => Texts(inner.Expression),
            ConditionalExpressionSyntax either => [.. Texts(either.WhenTrue), .. Texts(either.WhenFalse)],
            BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression) =>
                from left in Texts(sum.Left) from right in Texts(sum.Right) select Merge(left + right),
            InterpolatedStringExpressionSyntax text => [Merge(string.Concat(text.Contents.Select(Part)))],
            InvocationExpressionSyntax
            {
                Expression: MemberAccessExpressionSyntax { Name.Identifier.ValueText: "Create" },
                ArgumentList.Arguments: { Count: 2 } arguments,
            } => Texts(arguments[1].Expression),
            IdentifierNameSyntax name when Local(name) is { } value => Texts(value),
            _ => ["…"],
        };
    }

    /// <summary>The value a local variable begins with.</summary>
    private ExpressionSyntax? Local(IdentifierNameSyntax name) =>
        Model(name).GetSymbolInfo(name).Symbol is ILocalSymbol local
            && local.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is VariableDeclaratorSyntax declared
            ? declared.Initializer?.Value : null;

    private string Part(InterpolatedStringContentSyntax content) => content switch
    {
        InterpolatedStringTextSyntax text => text.TextToken.ValueText,
        InterpolationSyntax hole
            when Model(hole).GetConstantValue(hole.Expression) is { HasValue: true, Value: string value } => value,
        _ => "…",
    };

    private static string Merge(string text)
    {
        while (text.Contains("……", StringComparison.Ordinal))
        {
            text = text.Replace("……", "…", StringComparison.Ordinal);
        }

        return text;
    }

    private void ReadEvents()
    {
        var begins = _calls.Where(call => call.Key is { Name: "Begin", ContainingType.Name: "AuditLog" })
            .SelectMany(call => call.Value.Select(at => (Method: call.Key, At: at)))
            .Where(call => call.At.FirstAncestorOrSelf<ClassDeclarationSyntax>()?.Identifier.ValueText != "AuditLog");
        foreach (var (method, at) in begins)
        {
            var body = at.FirstAncestorOrSelf<MethodDeclarationSyntax>()!;
            var fields = Fields(body, []);
            if (method.Parameters.Length == 2)
            {
                _ = fields.Add("request_id");
            }

            foreach (var name in EventNames(at.ArgumentList.Arguments[0].Expression, body))
            {
                (Events.TryGetValue(name, out var known) ? known : Events[name] = new(StringComparer.Ordinal))
                    .UnionWith(fields);
            }
        }
    }

    /// <summary>A name that is put together of a parameter is what the callers make of it.</summary>
    private IEnumerable<string> EventNames(ExpressionSyntax expression, MethodDeclarationSyntax body)
    {
        var name = Texts(expression).Single();
        if (!name.Contains('…', StringComparison.Ordinal))
        {
            return [name];
        }

        var hole = expression.DescendantNodes().OfType<InterpolationSyntax>().Single().Expression;
        var parameter = (IParameterSymbol)Model(hole).GetSymbolInfo(hole).Symbol!;
        var self = Model(body).GetDeclaredSymbol(body)!;
        return _calls[self].Select(
            call => name.Replace(
                "…", Texts(call.ArgumentList.Arguments[parameter.Ordinal].Expression).Single(),
                StringComparison.Ordinal));
    }

    /// <summary>Names of members that a method writes, those of methods it hands its writer to among them.</summary>
    private SortedSet<string> Fields(SyntaxNode body, HashSet<SyntaxNode> seen)
    {
        var fields = new SortedSet<string>(StringComparer.Ordinal);
        if (!seen.Add(body))
        {
            return fields;
        }

        foreach (var call in body.DescendantNodes().OfType<InvocationExpressionSyntax>())
        {
            if (Target(call) is not { } method || method.Name.EndsWith("Value", StringComparison.Ordinal)
                || !(method.ContainingType.Name == "Utf8JsonWriter"
                    || method.Parameters.Any(parameter => parameter.Type.Name == "Utf8JsonWriter")))
            {
                continue;
            }

            var constants = call.ArgumentList.Arguments.Select(
                argument => Model(argument).GetConstantValue(argument.Expression).Value);
            if (constants.OfType<string>().FirstOrDefault() is { } name)
            {
                _ = fields.Add(name);
            }

            if (method.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is { } helper)
            {
                fields.UnionWith(Fields(helper, seen));
            }
        }

        return fields;
    }
}
