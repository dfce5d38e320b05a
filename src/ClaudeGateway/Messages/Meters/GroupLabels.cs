using ClaudeGateway.Sessions;

namespace ClaudeGateway.Messages.Meters;

/// <summary>
/// The groups that spend is told apart by (<c>observability.group_labels</c>), and after them one for everybody else.
/// Nobody counts twice: of a developer's groups the one that comes first in the list counts.
/// </summary>
internal sealed class GroupLabels
{
    private readonly Dictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly string[] _names;

    public GroupLabels(IReadOnlyList<string> groups)
    {
        _names = [.. groups, "other"];
        for (var i = 0; i < groups.Count; i++)
        {
            _indexes.TryAdd(groups[i], i);
        }
    }

    /// <summary>Of everybody else too, so never 0.</summary>
    public int Count => _names.Length;

    public string this[int index] => _names[index];

    public int IndexOf(Principal principal)
    {
        var first = _names.Length - 1;
        if (_indexes.Count == 0)
        {
            return first;
        }

        foreach (var group in principal.Groups)
        {
            if (_indexes.TryGetValue(group, out var index) && index < first)
            {
                first = index;
            }
        }

        return first;
    }
}
