using ClaudeGateway.Settings;

namespace ClaudeGateway.Config.Yaml;

/// <summary>
/// The entries of one mapping while it is composed: own keys win over merged ones, the last duplicate over earlier
/// ones.
/// </summary>
internal sealed class MapEntries(Action<ConfigPosition, string> warn)
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, (YamlEntry Entry, bool IsMerged)> _entries = new(StringComparer.Ordinal);

    public void Add(YamlEntry entry)
    {
        if (!_entries.TryGetValue(entry.Key, out var earlier))
        {
            _order.Add(entry.Key);
        }
        else if (!earlier.IsMerged)
        {
            var first = earlier.Entry.KeyPosition;
            warn(
                entry.KeyPosition,
                $"key '{entry.Key}' is given twice (first at {first.Line}:{first.Column}); this later one is used");
        }

        _entries[entry.Key] = (entry, false);
    }

    /// <summary>
    /// Merges <c>&lt;&lt;: *alias</c> or a list of mappings, of which the earlier win (YAML merge key type).
    /// </summary>
    public void Merge(YamlNode value)
    {
        foreach (var source in value is YamlList list ? list.Items : [value])
        {
            if (source is not YamlMap map)
            {
                throw new YamlReadException(source.Position, "'<<' merges a mapping or a list of mappings");
            }

            foreach (var entry in map.Entries)
            {
                if (_entries.TryAdd(entry.Key, (entry, true)))
                {
                    _order.Add(entry.Key);
                }
            }
        }
    }

    public IReadOnlyList<YamlEntry> InOrder() => _order.ConvertAll(key => _entries[key].Entry);
}
