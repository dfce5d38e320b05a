using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Profiles of the shared AWS files, in every form the AWS SDK knows: keys, IAM Identity Center, an assumed role, a
/// process. The SDK makes its own connections for those; it cannot be given ours.
/// </summary>
internal static class AwsProfile
{
    /// <summary>Files are rotated without notice.</summary>
    private static readonly TimeSpan RereadAfter = TimeSpan.FromMinutes(5);

    /// <summary>The credentials of a profile, or null when the files do not have it.</summary>
    public static async Task<Lease<AwsCredentials>?> ReadAsync(string? credentialsFile, string profile)
    {
        var chain = credentialsFile is null ? new CredentialProfileStoreChain() : new CredentialProfileStoreChain(credentialsFile);
        if (!chain.TryGetAWSCredentials(profile, out var source))
        {
            return null;
        }

        try
        {
            var found = await source.GetCredentialsAsync();
            var value = new AwsCredentials(found.AccessKey, found.SecretKey, string.IsNullOrEmpty(found.Token) ? null : found.Token);
            return source is RefreshingAWSCredentials { Expiration: { } end } ? new Lease<AwsCredentials>(value, new DateTimeOffset(end.ToUniversalTime())) : new Lease<AwsCredentials>(value, null, RereadAfter);
        }
        catch (Exception e) when (e is AmazonClientException or AmazonServiceException)
        {
            throw new UpstreamUnavailableException($"AWS profile '{profile}': {e.Message}", e);
        }
    }
}
