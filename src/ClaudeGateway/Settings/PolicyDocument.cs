using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <summary>A JSON document written inside gateway.yaml.</summary>
/// <param name="Path">Configuration path of the block, e.g. <c>managed.policies[0].cli</c>.</param>
/// <param name="Json">An object; numbers are written as JavaScript prints them.</param>
/// <param name="Positions">Where each value stands in the file, keyed by RFC 6901 pointer from the block's root; the
/// block itself is "".</param>
internal sealed record PolicyDocument(
    string Path, JsonElement Json, IReadOnlyDictionary<string, ConfigPosition> Positions);

/// <summary>A place in a configuration file; both numbers count from 1.</summary>
internal readonly record struct ConfigPosition(int Line, int Column);
