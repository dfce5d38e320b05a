using ClaudeGateway.Config;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>A user's Google Workspace groups, from the Admin SDK Directory API.</summary>
internal sealed class GoogleGroups(GoogleGroupsConfig config)
{
    /// <exception cref="IdentityProviderUnavailableException">Google did not answer, or refused.</exception>
    public Task<IReadOnlyList<string>> OfAsync(string user) =>
        throw new IdentityProviderUnavailableException($"{config.AdminEmail} {user}");
}
