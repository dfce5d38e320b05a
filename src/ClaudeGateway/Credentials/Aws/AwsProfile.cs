using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Profiles of the shared AWS files, in every form the AWS SDK knows: keys, IAM Identity Center, an assumed role, a
/// process. What the SDK asks STS and Identity Center for goes through our own transport; a <c>credential_source</c> of
/// the platform it asks itself, at the platform's own address.
/// </summary>
internal static class AwsProfile
{
    /// <summary>Files are rotated without notice.</summary>
    private static readonly TimeSpan RereadAfter = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Whose profile is being read: the SDK takes one transport for the whole process, while each configuration in
    /// force has connections of its own.
    /// </summary>
    private static readonly AsyncLocal<CredentialHttp?> Reader = new();

    /// <summary>The credentials of a profile, or null when the files do not have it.</summary>
    /// <exception cref="UpstreamUnavailableException">The files have it, and it gives none.</exception>
    public static async Task<Lease<AwsCredentials>?> ReadAsync(string? credentialsFile, string profile,
        CredentialHttp http)
    {
        // Only this flow and what it starts sees the value: an asynchronous method puts it back when it ends.
        Reader.Value = http;
        AWSConfigs.HttpClientFactory = Transport;
        var chain = credentialsFile is null
            ? new CredentialProfileStoreChain()
            : new CredentialProfileStoreChain(credentialsFile);
        if (!chain.TryGetAWSCredentials(profile, out var source))
        {
            return null;
        }

        try
        {
            var found = await source.GetCredentialsAsync();
            var value = new AwsCredentials(
                found.AccessKey, found.SecretKey, string.IsNullOrEmpty(found.Token) ? null : found.Token);
            return source is RefreshingAWSCredentials { Expiration: { } end }
                ? new Lease<AwsCredentials>(value, new DateTimeOffset(end.ToUniversalTime()))
                : new Lease<AwsCredentials>(value, null, RereadAfter);
        }
        catch (Exception e) when (
            e is AmazonClientException or AmazonServiceException or HttpRequestException or IOException)
        {
            throw new UpstreamUnavailableException($"AWS profile '{profile}': {e.Message}", e);
        }
    }

    private static AwsTransport Transport { get; } = new(static () =>
        Reader.Value ?? throw new InvalidOperationException("the AWS SDK connects only while a profile is read"));
}
