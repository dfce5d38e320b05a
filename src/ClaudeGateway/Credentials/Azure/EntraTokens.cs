using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Azure;

/// <summary>
/// Microsoft Entra ID tokens for one of Azure's services, of the identity the environment offers. Nothing of Azure's
/// libraries is loaded before the first.
/// </summary>
internal sealed class EntraTokens
{
    public const string CognitiveServices = "https://cognitiveservices.azure.com/.default";

    private readonly ProcessEnvironment _environment;
    private readonly string _scope;
    private readonly CredentialHttp _http;
    private readonly CredentialCache<string> _cache;
    private EntraCredential? _credential;

    public EntraTokens(
        ProcessEnvironment environment, CredentialHttp http, TimeProvider clock, string scope = CognitiveServices)
    {
        _scope = scope;
        _environment = environment;
        _http = http;
        _cache = new CredentialCache<string>(FetchAsync, clock);
    }

    /// <exception cref="UpstreamUnavailableException">There is no token.</exception>
    public ValueTask<string> GetAsync(CancellationToken cancellation) => _cache.GetAsync(cancellation);

    private Task<Lease<string>> FetchAsync(CancellationToken cancellation)
    {
        _credential ??= new EntraCredential(_environment, _http, _scope);
        return _credential.FetchAsync(cancellation);
    }
}
