using System.Text.Json.Serialization;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.SignIn.Refresh;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Source-generated serialisation of what is sealed into tokens and rows. Other versions of the gateway have written
/// and will read them: a member may be added, none renamed.
/// </summary>
[JsonSerializable(typeof(RefreshTokenContent))]
[JsonSerializable(typeof(PendingSession))]
[JsonSerializable(typeof(RememberedRefresh))]
internal sealed partial class SealedJson : JsonSerializerContext;
