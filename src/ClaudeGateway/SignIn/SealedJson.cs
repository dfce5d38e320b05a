using System.Text.Json.Serialization;
using ClaudeGateway.SignIn.Device;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Source-generated serialisation of what is sealed into tokens and rows. Other versions of the gateway have written
/// and will read them: a member may be added, none renamed.
/// </summary>
[JsonSerializable(typeof(RefreshTokenContent))]
[JsonSerializable(typeof(PendingSession))]
internal sealed partial class SealedJson : JsonSerializerContext;
