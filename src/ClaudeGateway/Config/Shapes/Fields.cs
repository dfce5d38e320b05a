using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;

namespace ClaudeGateway.Config.Shapes;

/// <summary>The values of one object, read by its keys.</summary>
internal sealed class Fields
{
    private readonly ConfigMap _map;
    private readonly Dictionary<Key, object?> _values = [];

    /// <summary>Keys whose value is the one in force; whether that one was given.</summary>
    private readonly Dictionary<Key, bool> _kept = [];

    private Fields(ConfigMap map, ConfigReading reading)
    {
        _map = map;
        Reading = reading;
    }

    public ConfigReading Reading { get; }

    public ConfigMap Map => _map;

    /// <param name="retired">Keys that once existed, and what to do instead.</param>
    public static Fields Read(
        ConfigMap map, IReadOnlyList<Key> keys, IReadOnlyDictionary<string, string> retired, ConfigReading reading)
    {
        var fields = new Fields(map, reading);
        fields.RefuseUnknownKeys(keys, retired);
        foreach (var key in keys)
        {
            fields.ReadKey(key);
        }

        return fields;
    }

    /// <summary>Whether the file gives the key and its value is right.</summary>
    public bool Has(Key key) => _values.ContainsKey(key) && IsGiven(key);

    /// <summary>Whether the file gives the key, right or wrong.</summary>
    public bool IsGiven(Key key) => _kept.TryGetValue(key, out var wasGiven) ? wasGiven : Entry(key) is not null;

    /// <summary>
    /// The value, its default, or the type's default when the key is absent, or wrong (then nothing is built).
    /// </summary>
    public T Get<T>(Key<T> key) => _values.TryGetValue(key, out var value) && value is T typed ? typed : default!;

    /// <summary>The file of a value that is written <c>${file:…}</c>; null when it is written otherwise.</summary>
    public string? FileOf(Key key) => (Node(key) as ConfigScalar)?.File;

    /// <summary>Null when the key is absent.</summary>
    public T? Find<T>(Key<T> key)
        where T : struct => IsGiven(key) ? Get(key) : null;

    /// <summary>Lists a problem at the key, or at the object when the key is absent.</summary>
    public void Problem(Key key, string text) =>
        Reading.Problem(Entry(key)?.KeyPosition ?? _map.Position, PathOf(key), text);

    public void Warn(Key key, string text) =>
        Reading.Warn(Entry(key)?.KeyPosition ?? _map.Position, PathOf(key), text);

    /// <summary>Whether the gateway finds the value by itself when it starts.</summary>
    public bool IsFoundAtStart(Key key) => Reading.FoundAtStart.Contains(PathOf(key));

    public void Require(Key key, string when) => Problem(key, $"is required {when}");

    public ConfigNode? Node(Key key) => Entry(key)?.Value;

    /// <summary>
    /// Puts back what a running gateway cannot change; call it when everything was read and checked. At the first
    /// reading the values are remembered instead, for the readings to come.
    /// </summary>
    public void KeepFixed(IEnumerable<Key> keys)
    {
        foreach (var key in keys.Where(key => key.NeedsRestart))
        {
            var given = new FixedValue(Text(key), _values.GetValueOrDefault(key), IsGiven(key));
            var inForce = Reading.Keep(PathOf(key), given);
            if (!ReferenceEquals(given, inForce))
            {
                _values[key] = inForce.Value;
                _kept[key] = inForce.IsGiven;
            }
        }
    }

    /// <summary>What is compared: the value as given, else its default; null for none.</summary>
    private string? Text(Key key) => key.FixedPart is { } part && Node(key) is ConfigScalar { File: { } file } read
        ? $"${{file:{file}}} {part(read.Text)}"
        : (Node(key) ?? (key.Default is null ? null : key.DefaultNode())) is { } node
        ? PolicyJson.ToNode(node)?.ToJsonString() ?? "null"
        : null;

    private ConfigEntry? Entry(Key key) =>
        _map.Entries.FirstOrDefault(entry => string.Equals(entry.Key, key.Name, StringComparison.Ordinal));

    private string PathOf(Key key) => Join(key.Name);

    private string Join(string name) => _map.Path.Length == 0 ? name : $"{_map.Path}.{name}";

    private void ReadKey(Key key)
    {
        if (Entry(key) is not { } entry)
        {
            if (key.IsRequired && !IsFoundAtStart(key))
            {
                var what = key.Shape.KeySets.Count > 0 || key.Shape.Item is not null ? key.Description : key.Shape.Name;
                Problem(key, $"is required: {what}");
            }
            else if (key.Default is not null)
            {
                _values[key] = key.DefaultValue;
            }

            return;
        }

        if (key.TryRead(entry.Value, Reading, out var value))
        {
            _values[key] = value;
        }
    }

    private void RefuseUnknownKeys(IReadOnlyList<Key> keys, IReadOnlyDictionary<string, string> retired)
    {
        var known = keys.Select(key => key.Name).ToArray();
        foreach (var entry in _map.Entries.Where(entry => Array.IndexOf(known, entry.Key) < 0))
        {
            if (retired.TryGetValue(entry.Key, out var instead))
            {
                Reading.Problem(entry.KeyPosition, Join(entry.Key), instead);
                continue;
            }

            var nearest = NearestKey.Suggestion(entry.Key, known);
            var allowed = nearest.Length > 0 ? nearest : $"; allowed are {string.Join(", ", known)}";
            Reading.Problem(entry.KeyPosition, Join(entry.Key), $"unknown key{allowed}");
        }
    }
}
