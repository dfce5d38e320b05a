using ClaudeGateway.Config;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Authorises requests to one AWS service: by a bearer (Bedrock API key), or by a signature with the configured keys,
/// the default chain or a role assumed with either. Keys of the configuration beat the environment.
/// </summary>
internal sealed class AwsAuthorizer
{
    private readonly SigV4Signer _signer;
    private readonly TimeProvider _clock;
    private readonly string? _bearer;
    private readonly AwsCredentials? _keys;
    private readonly CredentialCache<AwsCredentials> _default;
    private readonly AssumedRole? _role;

    /// <param name="service">As the credential scope names it.</param>
    public AwsAuthorizer(AwsAuth auth, AssumeRoleConfig? role, string region, string service, CloudContext context)
    {
        _signer = new SigV4Signer(region, service);
        _clock = context.Clock;
        _keys = auth is { AccessKeyId: { } id, SecretAccessKey: { } secret }
            ? new AwsCredentials(id.Reveal(), secret.Reveal(), auth.SessionToken?.Reveal())
            : null;
        _default = context.AwsDefault;
        _bearer = auth.BearerToken?.Reveal();
        if (_bearer is null && _keys is null && role is null && service.StartsWith("bedrock", StringComparison.Ordinal))
        {
            _bearer = context.Environment["AWS_BEARER_TOKEN_BEDROCK"] is { Length: > 0 } token ? token : null;
        }

        _role = role is null ? null : new AssumedRole(role, region, OwnAsync, context);
    }

    /// <param name="developer">Whose session signs when the role has one per developer; null uses the shared
    /// one.</param>
    /// <exception cref="UpstreamUnavailableException">There is no credential; nothing has been signed with
    /// another.</exception>
    public async ValueTask AuthorizeAsync(
        HttpRequestMessage request, ReadOnlyMemory<byte>[] body, Principal? developer, CancellationToken cancellation)
    {
        if (_bearer is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + _bearer);
            return;
        }

        var credentials = await (_role is null ? OwnAsync(cancellation) : _role.GetAsync(developer, cancellation));
        _signer.Sign(request, body, credentials, _clock.GetUtcNow());
    }

    private ValueTask<AwsCredentials> OwnAsync(CancellationToken cancellation) =>
        _keys is not null ? ValueTask.FromResult(_keys) : _default.GetAsync(cancellation);
}
