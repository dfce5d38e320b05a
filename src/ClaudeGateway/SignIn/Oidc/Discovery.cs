using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// Fetches the IdP's discovery document at boot; an IdP that is just away gets the patience the store gets.
/// </summary>
internal sealed class Discovery(OidcConfig config, IdpHttp http, TimeProvider clock, OperationalLog log)
{
    private const int Attempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <exception cref="OperatorException">The IdP cannot be used; the message names the URL and the key.</exception>
    public async Task<ProviderMetadata> FetchAsync(CancellationToken cancellation)
    {
        var issuer = config.IssuerText.Trim().TrimEnd('/');
        var url = config.DiscoveryUrl ?? new Uri(issuer + "/.well-known/openid-configuration");
        for (var attempt = 1; ; attempt++)
        {
            string problem;
            try
            {
                // Read once, by an operator's own choice of URL, and unsigned: here a repeated member is only untidy.
                var answer = await http.GetAsync(url, null, RepeatedMembers.LastCounts, cancellation);
                if (answer.Status == 200)
                {
                    return Check(ProviderMetadata.Read(answer.Json, url.ToString()));
                }

                problem = $"GET {url}: expected 200 OK, got: {answer.Status}";
                if (answer.Status < 500)
                {
                    attempt = Attempts;
                }
            }
            catch (IdentityProviderUnavailableException e)
            {
                problem = e.Message;
                if (e.IsFinal || problem.Contains("ENOTFOUND", StringComparison.Ordinal))
                {
                    attempt = Attempts;
                }
            }

            if (attempt >= Attempts)
            {
                throw new OperatorException(
                    $"{(config.DiscoveryUrl is null ? "oidc.issuer" : "oidc.discovery_url")}: {problem}");
            }

            log.Warn($"oidc: {problem}; attempt {attempt} of {Attempts}, trying again in {Pause.TotalSeconds:0}s");
            await Task.Delay(Pause, clock, cancellation);
        }
    }

    private ProviderMetadata Check(ProviderMetadata metadata)
    {
        if (metadata.Issuer.TrimEnd('/') != config.IssuerText.TrimEnd('/'))
        {
            log.Warn(
                $"oidc.issuer is {config.IssuerText}, but its discovery document names {metadata.Issuer}; id_tokens "
                    + "are checked against the latter");
        }

        return metadata;
    }
}
