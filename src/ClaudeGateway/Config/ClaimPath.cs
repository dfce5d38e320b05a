namespace ClaudeGateway.Config;

/// <summary>One step of a <see cref="ClaimPath"/>.</summary>
internal abstract record ClaimStep
{
    /// <summary>The member of that name of an object.</summary>
    internal sealed record Member(string Name) : ClaimStep;

    /// <summary>Every element of a list, or every member's value of an object.</summary>
    internal sealed record Each : ClaimStep;

    /// <summary>
    /// Of what <see cref="Each"/> yields, the objects whose member <paramref name="Name"/> is exactly
    /// <paramref name="Text"/>.
    /// </summary>
    internal sealed record Where(string Name, string Text) : ClaimStep;
}

/// <summary>
/// The part of JSONPath (RFC 9535) that <c>oidc.groups_jsonpath</c> takes: <c>$</c>, then <c>.name</c>,
/// <c>['text']</c>, <c>[*]</c> and <c>[?@.name=='text']</c>, the first of them a name (spec/newest.md, auth). Equal
/// when written alike.
/// </summary>
internal sealed class ClaimPath : IEquatable<ClaimPath>
{
    private const string Allowed = "allowed are .name, ['name'], [*] and [?@.name=='text']";

    private ClaimPath(string text, IReadOnlyList<ClaimStep> steps)
    {
        Text = text;
        Steps = steps;
    }

    public string Text { get; }

    /// <summary>At least one; the first is a <see cref="ClaimStep.Member"/>.</summary>
    public IReadOnlyList<ClaimStep> Steps { get; }

    /// <summary>
    /// What is wrong with it, at which character (from 1), and what is allowed there; null when nothing is.
    /// </summary>
    public static string? ProblemOf(string text)
    {
        var parser = new Parser(text);
        return parser.Read() is null ? parser.Problem : null;
    }

    /// <exception cref="FormatException"><see cref="ProblemOf"/> has something to say.</exception>
    public static ClaimPath Parse(string text)
    {
        var parser = new Parser(text);
        return parser.Read() is { } steps ? new ClaimPath(text, steps) : throw new FormatException(parser.Problem);
    }

    public bool Equals(ClaimPath? other) => other is not null && Text.Equals(other.Text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as ClaimPath);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Text;

    private sealed class Parser(string text)
    {
        private int _at;

        public string? Problem { get; private set; }

        public List<ClaimStep>? Read()
        {
            if (!Take("$"))
            {
                return Fail("must begin with $ and a name, such as $.groups[*].name");
            }

            var steps = new List<ClaimStep>();
            while (_at < text.Length)
            {
                if (Step() is not { } step)
                {
                    return null;
                }

                if (steps.Count == 0 && step is not ClaimStep.Member)
                {
                    _at = 1;
                    return Fail("the first step must be a name, .name or ['name']: it says which claim is read");
                }

                steps.Add(step);
            }

            return steps.Count > 0 ? steps : Fail("must name a claim after $, such as $.groups");
        }

        private ClaimStep? Step()
        {
            var start = _at;
            if (Take("."))
            {
                return Name() is { } member
                    ? new ClaimStep.Member(member)
                    : Fail<ClaimStep>(
                        "a name of letters, digits and _ must follow the dot; write other names as ['name']");
            }

            if (Take("[*]"))
            {
                return new ClaimStep.Each();
            }

            if (Take("[?@."))
            {
                return Filter(start);
            }

            if (Take("['"))
            {
                return Quoted() is { Length: > 0 } name && Take("']")
                    ? new ClaimStep.Member(name)
                    : Fail<ClaimStep>(
                        "a name in ['…'] must not be empty and holds no quote, backslash or control character", start);
            }

            return Fail<ClaimStep>(
                $"{(text[_at] == '[' ? "these brackets are" : $"\"{text[_at]}\" is")} not understood; {Allowed}");
        }

        private ClaimStep.Where? Filter(int start)
        {
            const string Form =
                "a filter is written [?@.name=='text'], with at most one blank on each side of ==; the text holds no "
                    + "quote, backslash or control character";
            if (Name() is not { } name)
            {
                return Fail<ClaimStep.Where>(Form, start);
            }

            _ = Take(" ");
            if (!Take("=="))
            {
                return Fail<ClaimStep.Where>(Form, start);
            }

            _ = Take(" ");
            return Take("'") && Quoted() is { } value && Take("']")
                ? new ClaimStep.Where(name, value)
                : Fail<ClaimStep.Where>(Form, start);
        }

        private string? Name()
        {
            var start = _at;
            while (_at < text.Length
                && (char.IsAsciiLetter(text[_at]) || text[_at] == '_' || (_at > start && char.IsAsciiDigit(text[_at]))))
            {
                _at++;
            }

            return _at > start ? text[start.._at] : null;
        }

        /// <summary>
        /// What stands before the closing quote; null when a character is in it that none may hold, or nothing closes
        /// it.
        /// </summary>
        private string? Quoted()
        {
            var length = text.AsSpan(_at).IndexOf('\'');
            if (length < 0)
            {
                return null;
            }

            var value = text.Substring(_at, length);
            if (value.Any(c => c == '\\' || c < ' '))
            {
                return null;
            }

            _at += length;
            return value;
        }

        private bool Take(string token)
        {
            if (!text.AsSpan(_at).StartsWith(token, StringComparison.Ordinal))
            {
                return false;
            }

            _at += token.Length;
            return true;
        }

        private List<ClaimStep>? Fail(string what) => Fail<List<ClaimStep>>(what);

        private T? Fail<T>(string what, int? at = null)
            where T : class
        {
            Problem ??= $"cannot be read at character {(at ?? _at) + 1}: {what}";
            return null;
        }
    }
}
