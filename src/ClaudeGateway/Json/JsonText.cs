using System.Text.Json.Serialization;

namespace ClaudeGateway.Json;

/// <summary>Source-generated serialisation of the few values this folder writes into JSON.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class JsonText : JsonSerializerContext;
