using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;

namespace ClaudeGateway.Spend.Prices;

/// <summary>
/// Which price a served request has (spec/spend.md, Price table). The operator's rows come first: the upstream's own
/// string for the model, then the client's id, then the built-in model in any spelling. Without a row the list price
/// found in the upstream's string counts, then the one found in the client's id, then a guess.
/// </summary>
internal sealed class PriceList
{
    private readonly double _multiplier;
    private readonly Dictionary<(string Upstream, string Model), ModelPrice> _rows = new(RowComparer.Instance);
    private readonly Dictionary<(string Upstream, ModelVersion Version), ModelPrice> _builtInRows = [];
    private readonly ConcurrentDictionary<(string Upstream, string UpstreamModel, string ClientModel), ModelPrice>
        _found = [];
    private readonly ConcurrentDictionary<string, bool> _warned = new(StringComparer.OrdinalIgnoreCase);
    private readonly OperationalLog? _log;

    /// <param name="log">Told once of each model that is billed by guess; null keeps quiet.</param>
    public PriceList(PricingConfig? config, OperationalLog? log)
    {
        _log = log;
        _multiplier = (double)(config?.Multiplier ?? 1);
        foreach (var row in config?.Overrides ?? [])
        {
            var write = (double)row.CacheWrite;
            var price = new ModelPrice
            {
                Rates = new TokenRates((double)row.Input, (double)row.Output, (double)row.CacheRead, write, write),
                Multiplier = _multiplier,
            };
            _rows.TryAdd((row.Upstream, row.Model), price);
            if (ModelVersion.FindWhole(row.Model) is { } version)
            {
                _builtInRows.TryAdd((row.Upstream, version), price);
            }
        }
    }

    /// <param name="upstream">Name of the upstream that served the request.</param>
    /// <param name="upstreamModel">What that upstream was asked for.</param>
    /// <param name="clientModel">The catalogue's id of what the client asked for; from a bounded set, because answers
    /// are kept.</param>
    public ModelPrice Find(string upstream, string upstreamModel, string clientModel)
    {
        var key = (upstream, upstreamModel, clientModel);
        return _found.TryGetValue(key, out var price)
            ? price
            : _found.GetOrAdd(key, Search(upstream, upstreamModel, clientModel));
    }

    private ModelPrice Search(string upstream, string upstreamModel, string clientModel)
    {
        if (_rows.TryGetValue((upstream, upstreamModel), out var row)
            || _rows.TryGetValue((upstream, clientModel), out row)
            || TryBuiltInRow(upstream, ModelVersion.Find(upstreamModel) ?? ModelVersion.Find(clientModel), out row))
        {
            return row;
        }

        var listed = PriceTable.Find(upstreamModel) ?? PriceTable.Find(clientModel);
        if (listed is null && _warned.TryAdd(upstreamModel, true))
        {
            _log?.Warn(
                $"pricing: model {upstreamModel} on upstream {upstream} has no known price and is metered at 5/25 US "
                    + "dollars per million tokens. Add a row to pricing.overrides");
        }

        return (listed ?? PriceTable.Unknown) with { Multiplier = _multiplier };
    }

    private bool TryBuiltInRow(string upstream, ModelVersion? version, [NotNullWhen(true)] out ModelPrice? row)
    {
        row = null;
        return version is { } known && _builtInRows.TryGetValue((upstream, known), out row);
    }

    /// <summary>Upstream names are exact, model strings match without regard to letter case.</summary>
    private sealed class RowComparer : IEqualityComparer<(string Upstream, string Model)>
    {
        public static readonly RowComparer Instance = new();

        public bool Equals((string Upstream, string Model) x, (string Upstream, string Model) y) =>
            string.Equals(x.Upstream, y.Upstream, StringComparison.Ordinal)
            && string.Equals(x.Model, y.Model, StringComparison.OrdinalIgnoreCase);

        public int GetHashCode((string Upstream, string Model) row) =>
            HashCode.Combine(
                row.Upstream.GetHashCode(StringComparison.Ordinal),
                row.Model.GetHashCode(StringComparison.OrdinalIgnoreCase));
    }
}
