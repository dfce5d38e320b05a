using System.Text.Json;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn.Groups;

/// <summary>
/// The access token (RFC 6749 section 5.1) that a directory of groups is asked with: fetched when first needed, by one
/// caller at a time, and used until a minute before its end.
/// </summary>
/// <param name="lookup">Begins the message of a failure: the key whose lookup it is.</param>
/// <param name="source">Where the token comes from, for that message.</param>
/// <param name="fetch">Asks for one.</param>
internal sealed class DirectoryToken(string lookup, string source, Func<Task<IdpAnswer>> fetch, TimeProvider clock)
    : IDisposable
{
    /// <summary>What is asked for at Google, and what Entra gives at the least.</summary>
    public const int LifetimeSeconds = 3600;

    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <summary>Held during a fetch; protects <see cref="_accessToken"/>.</summary>
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (string Token, DateTimeOffset Expires) _accessToken = ("", DateTimeOffset.MinValue);

    /// <exception cref="IdentityProviderUnavailableException">There is none.</exception>
    public async Task<string> GetAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_accessToken.Expires <= clock.GetUtcNow())
            {
                _accessToken = await FetchAsync();
            }

            return _accessToken.Token;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Makes the next caller fetch another one: what is granted meanwhile is in no older token.</summary>
    public async Task ForgetAsync(string token)
    {
        await _gate.WaitAsync();
        try
        {
            if (_accessToken.Token == token)
            {
                _accessToken = ("", DateTimeOffset.MinValue);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task<(string Token, DateTimeOffset Expires)> FetchAsync()
    {
        var answer = await fetch();
        if (answer.Status != 200 || answer.Text("access_token") is not { Length: > 0 } token)
        {
            throw new IdentityProviderUnavailableException(
                $"{lookup} lookup failed: {source} answered {answer.Status} "
                    + (answer.OAuthError ?? "without an OAuth error"));
        }

        var seconds = answer.Json.TryGetProperty("expires_in", out var expires)
            && expires.ValueKind == JsonValueKind.Number && expires.TryGetInt64(out var given)
            ? given
            : LifetimeSeconds;
        // No longer than usual, whatever number the answer holds.
        return (token, clock.GetUtcNow() + TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LifetimeSeconds)) - Margin);
    }
}
