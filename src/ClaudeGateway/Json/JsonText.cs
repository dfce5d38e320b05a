using System.Text.Json.Serialization;

namespace ClaudeGateway.Json;

/// <summary>Source-generated serialisation of a string.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class JsonText : JsonSerializerContext;
