using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// The two calls of AWS STS that exchange one identity for another. Uses the AWS SDK over our own transport; nothing of
/// the SDK is loaded before the first call.
/// </summary>
internal sealed class SecurityTokenService(CredentialHttp http)
{
    /// <summary>
    /// Asks with the gateway's own identity for a session of a role, always at the region's own endpoint.
    /// </summary>
    public async Task<Lease<AwsCredentials>> AssumeRoleAsync(
        AwsCredentials own,
        string region,
        string roleArn,
        string? externalId,
        string sessionName,
        CancellationToken cancellation)
    {
        var domain = region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com";
        using var sts = CreateClient(
            own.SessionToken is null
            ? new BasicAWSCredentials(own.AccessKeyId, own.SecretAccessKey)
            : new SessionAWSCredentials(own.AccessKeyId, own.SecretAccessKey, own.SessionToken),
            $"https://sts.{region}.{domain}/",
            region);
        var request = new AssumeRoleRequest
        {
            RoleArn = roleArn,
            RoleSessionName = sessionName,
            ExternalId = externalId,
        };
        var answer = await CallAsync("AssumeRole", () => sts.AssumeRoleAsync(request, cancellation));
        return Lease(answer.Credentials);
    }

    /// <summary>Exchanges a token of the platform's OIDC provider (EKS, GitHub, …) for a session of a role.</summary>
    /// <param name="endpoint">Of STS.</param>
    public async Task<Lease<AwsCredentials>> AssumeRoleWithWebIdentityAsync(
        string endpoint,
        string region,
        string roleArn,
        string sessionName,
        string token,
        CancellationToken cancellation)
    {
        using var sts = CreateClient(new AnonymousAWSCredentials(), endpoint, region);
        var request = new AssumeRoleWithWebIdentityRequest
        {
            RoleArn = roleArn,
            RoleSessionName = sessionName,
            WebIdentityToken = token,
        };
        var answer = await CallAsync(
            "AssumeRoleWithWebIdentity", () => sts.AssumeRoleWithWebIdentityAsync(request, cancellation));
        return Lease(answer.Credentials);
    }

    private static Lease<AwsCredentials> Lease(Amazon.SecurityToken.Model.Credentials credentials) =>
        new(
            new AwsCredentials(credentials.AccessKeyId, credentials.SecretAccessKey, credentials.SessionToken),
            credentials.Expiration is { } end ? new DateTimeOffset(end.ToUniversalTime()) : null);

    private static async Task<T> CallAsync<T>(string action, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (AmazonServiceException e)
        {
            throw new UpstreamUnavailableException($"STS {action}: {e.ErrorCode}: {e.Message}", e);
        }
    }

    private AmazonSecurityTokenServiceClient CreateClient(AWSCredentials credentials, string endpoint, string region) =>
        new(
        credentials,
        new AmazonSecurityTokenServiceConfig
        {
            ServiceURL = endpoint,
            AuthenticationRegion = region,
            IgnoreConfiguredEndpointUrls = true,
            // A failure fails over to the next upstream; waiting here would only delay that.
            MaxErrorRetry = 0,
            HttpClientFactory = new AwsTransport(() => http),
        });
}
