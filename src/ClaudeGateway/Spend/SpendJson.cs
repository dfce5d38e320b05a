using System.Text.Json.Serialization;

namespace ClaudeGateway.Spend;

/// <summary>Source-generated serialisation of the few values this folder keeps as JSON.</summary>
[JsonSerializable(typeof(string[]))]
internal sealed partial class SpendJson : JsonSerializerContext;
