using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.SignIn.Device;

namespace ClaudeGateway.SignIn;

/// <summary>The authorization server metadata that a client begins with (RFC 8414).</summary>
internal sealed class MetadataEndpoint(PublicOrigin origin)
{
    public void Map(Routes routes) => routes.PublicAnyMethod("/.well-known/oauth-authorization-server", HandleAsync);

    private Task HandleAsync(GatewayRequest request)
    {
        var issuer = origin.Of(request);
        return Answers.WriteAsync(request, 200, Answers.Json, OAuthAnswers.Json(json => Write(json, issuer)));
    }

    private static void Write(Utf8JsonWriter json, string issuer)
    {
        json.WriteString("issuer", issuer);
        json.WriteString("device_authorization_endpoint", issuer + DeviceAuthorizationEndpoint.Path);
        json.WriteString("token_endpoint", issuer + TokenEndpoint.Path);
        json.WriteString("revocation_endpoint", issuer + RevocationEndpoint.Path);
        WriteList(json, "revocation_endpoint_auth_methods_supported", "none");
        WriteList(json, "grant_types_supported", TokenEndpoint.DeviceCodeGrantType,
            TokenEndpoint.RefreshTokenGrantType);
        WriteList(json, "response_types_supported");
        WriteList(json, "token_endpoint_auth_methods_supported", "none");
        WriteList(json, "scopes_supported", "openid", "profile", "email");
        json.WriteNumber("gateway_protocol_version", 1);
    }

    private static void WriteList(Utf8JsonWriter json, string name, params ReadOnlySpan<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
