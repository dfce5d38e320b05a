using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Azure;

/// <summary>
/// An identity in Microsoft Entra ID, by what the environment offers: a service principal, a workload identity, a
/// managed identity, else the Azure CLI. Exchanges are made by Azure.Identity over our own transport.
/// </summary>
internal sealed class EntraCredential
{
    private readonly ProcessEnvironment _environment;
    private readonly CredentialHttp _http;
    private readonly string[] _scopes;
    private TokenCredential? _credential;

    public EntraCredential(ProcessEnvironment environment, CredentialHttp http, string scope)
    {
        _scopes = [scope];
        _environment = environment;
        _http = http;
    }

    /// <exception cref="UpstreamUnavailableException">There is no token.</exception>
    public async Task<Lease<string>> FetchAsync(CancellationToken cancellation)
    {
        try
        {
            _credential ??= Create();
            var token = await _credential.GetTokenAsync(new TokenRequestContext(_scopes), cancellation);
            return AccessToken.IsUsable(token.Token)
                ? new Lease<string>(token.Token, token.ExpiresOn)
                : throw new UpstreamUnavailableException("Microsoft Entra ID: the answer has no usable access_token");
        }
        catch (Exception e) when (e is AuthenticationFailedException or ArgumentException)
        {
            throw new UpstreamUnavailableException($"Microsoft Entra ID: {Words(e)}", e);
        }
    }

    /// <summary>Azure.Identity leaves out what the service said where it is all that there is to say.</summary>
    private static string Words(Exception failure)
    {
        var message = failure.Message.Trim();
        return message.EndsWith(':') ? $"{message} {failure.GetBaseException().Message}" : message;
    }

    private TokenCredential Create()
    {
        var tenant = Variable("AZURE_TENANT_ID");
        var client = Variable("AZURE_CLIENT_ID");
        if (tenant is not null && client is not null)
        {
            if (Variable("AZURE_CLIENT_SECRET") is { } secret)
            {
                return new ClientSecretCredential(
                    tenant, client, secret, Configure(new ClientSecretCredentialOptions()));
            }

            if (Variable("AZURE_CLIENT_CERTIFICATE_PATH") is { } certificate)
            {
                return new ClientCertificateCredential(
                    tenant, client, certificate, Configure(new ClientCertificateCredentialOptions()));
            }

            if (Variable("AZURE_FEDERATED_TOKEN_FILE") is { } file)
            {
                return new WorkloadIdentityCredential(Configure(new WorkloadIdentityCredentialOptions
                {
                    TenantId = tenant,
                    ClientId = client,
                    TokenFilePath = file,
                }));
            }
        }

        var identity = client is null
            ? ManagedIdentityId.SystemAssigned
            : ManagedIdentityId.FromUserAssignedClientId(client);
        return new ChainedTokenCredential(
            new ManagedIdentityCredential(Configure(new ManagedIdentityCredentialOptions(identity))),
            new AzureCliCredential(Configure(new AzureCliCredentialOptions())));
    }

    /// <summary>One attempt, with an end: a failing token endpoint means the next upstream, not a wait.</summary>
    private T Configure<T>(T options)
        where T : TokenCredentialOptions
    {
        options.Transport = new HttpClientTransport(_http.CreateHandler());
        options.Retry.MaxRetries = 0;
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(10);
        if (Variable("AZURE_AUTHORITY_HOST") is { } host && Uri.TryCreate(host, UriKind.Absolute, out var authority))
        {
            options.AuthorityHost = authority;
        }

        return options;
    }

    private string? Variable(string name) => _environment[name] is { Length: > 0 } value ? value : null;
}
