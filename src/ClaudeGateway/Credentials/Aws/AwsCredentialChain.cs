using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// The default chain, in the order of the AWS SDKs: environment, shared files, web identity, container, instance. What
/// is not set up is passed over; what is set up and fails ends the search, so that nothing is signed with an identity
/// the operator did not mean.
/// </summary>
internal sealed class AwsCredentialChain(ProcessEnvironment environment, CredentialHttp http)
{
    private readonly SecurityTokenService _sts = new(http);
    private readonly PlatformCredentials _platform = new(environment, http);

    /// <exception cref="UpstreamUnavailableException">No source has credentials, or the first that is set up
    /// failed.</exception>
    public async Task<Lease<AwsCredentials>> ResolveAsync(CancellationToken cancellation) =>
        FromEnvironment()
        ?? await FromProfileAsync()
        ?? await FromWebIdentityAsync(cancellation)
        ?? await _platform.FromContainerAsync(cancellation)
        ?? await _platform.FromInstanceAsync(cancellation)
        ?? throw new UpstreamUnavailableException(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a web identity, for an "
                + "upstream its auth, or run where the platform gives a role");

    /// <summary>
    /// AWS_PROFILE says explicitly which credentials are meant, so keys in the environment do not count beside it.
    /// </summary>
    private Lease<AwsCredentials>? FromEnvironment() =>
        environment["AWS_PROFILE"] is not { Length: > 0 } && environment["AWS_ACCESS_KEY_ID"] is { Length: > 0 } id
        && environment["AWS_SECRET_ACCESS_KEY"] is { Length: > 0 } secret
            ? new Lease<AwsCredentials>(
                new AwsCredentials(id, secret, environment["AWS_SESSION_TOKEN"] is { Length: > 0 } token
                    ? token : null),
                null)
            : null;

    private async Task<Lease<AwsCredentials>?> FromProfileAsync() =>
        AwsProfile.HasFiles(environment) ? await AwsProfile.ReadAsync(environment, http) : null;

    private async Task<Lease<AwsCredentials>?> FromWebIdentityAsync(CancellationToken cancellation)
    {
        if (environment["AWS_WEB_IDENTITY_TOKEN_FILE"] is not { Length: > 0 } file
            || environment["AWS_ROLE_ARN"] is not { Length: > 0 } role)
        {
            return null;
        }

        var region = environment["AWS_REGION"] is { Length: > 0 } own
            ? own : environment["AWS_DEFAULT_REGION"] is { Length: > 0 } fallback ? fallback
            : "us-east-1";
        var endpoint = environment["AWS_ENDPOINT_URL_STS"] is { Length: > 0 } sts ? sts
            : environment["AWS_ENDPOINT_URL"] is { Length: > 0 } all ? all
            : $"https://sts.{region}.amazonaws.com{(region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}/";
        try
        {
            var token = (await File.ReadAllTextAsync(file, cancellation)).Trim();
            return await _sts.AssumeRoleWithWebIdentityAsync(
                endpoint,
                region,
                role,
                environment["AWS_ROLE_SESSION_NAME"] is { Length: > 0 } name ? name : RoleSessionName.Shared,
                token,
                cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpstreamUnavailableException($"AWS_WEB_IDENTITY_TOKEN_FILE: {e.Message}", e);
        }
    }
}
