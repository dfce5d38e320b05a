using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ClaudeGateway.Config;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>Proves the gateway's identity at the IdP's token endpoint (OpenID Connect Core 1.0 section 9).</summary>
internal sealed class ClientAuthentication(OidcConfig config, ProviderMetadata metadata, ClientAssertion? assertion)
{
    /// <summary>
    /// Adds what the method puts into the form, and returns the Authorization header if it needs one.
    /// </summary>
    public AuthenticationHeaderValue? AddTo(List<KeyValuePair<string, string>> form)
    {
        if (assertion is not null)
        {
            form.Add(new("client_id", config.ClientId));
            form.Add(new("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            form.Add(new("client_assertion", assertion.Create(config.ClientId, metadata.TokenEndpoint)));
            return null;
        }

        var secret = config.ClientSecret?.Reveal() ?? "";
        if (UsesPost)
        {
            form.Add(new("client_id", config.ClientId));
            form.Add(new("client_secret", secret));
            return null;
        }

        // Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
        var credentials = $"{WebUtility.UrlEncode(config.ClientId)}:{WebUtility.UrlEncode(secret)}";
        return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
    }

    private bool UsesPost => config.TokenEndpointAuthMethod switch
    {
        TokenEndpointAuthMethod.ClientSecretPost => true,
        TokenEndpointAuthMethod.ClientSecretBasic => false,
        _ => metadata.SupportsClientSecretPost,
    };
}
