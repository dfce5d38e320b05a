using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using ClaudeGateway.Process;

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

    /// <summary>The profile that AWS_PROFILE names, or the default one.</summary>
    public static string Name(ProcessEnvironment environment) =>
        environment["AWS_PROFILE"] is { Length: > 0 } named ? named : "default";

    /// <summary>Whether there is any of the shared files; nothing of the SDK is loaded without.</summary>
    public static bool HasFiles(ProcessEnvironment environment)
    {
        var folder = Path.Combine(environment["HOME"] ?? environment["USERPROFILE"] ?? "", ".aws");
        var config = environment["AWS_CONFIG_FILE"] is { Length: > 0 } named ? named : Path.Combine(folder, "config");
        return File.Exists(CredentialsFile(environment) ?? Path.Combine(folder, "credentials")) || File.Exists(config);
    }

    /// <summary>The region of the profile; null when the files or the profile have none.</summary>
    /// <exception cref="UpstreamUnavailableException">The files cannot be read.</exception>
    public static string? Region(ProcessEnvironment environment)
    {
        if (!HasFiles(environment))
        {
            return null;
        }

        try
        {
            return Chain(environment).TryGetProfile(Name(environment), out var profile)
                ? profile.Region?.SystemName
                : null;
        }
        catch (Exception e) when (e is AmazonClientException or IOException or UnauthorizedAccessException)
        {
            throw new UpstreamUnavailableException(e.Message, e);
        }
    }

    /// <summary>The credentials of the profile, or null when the files do not have it.</summary>
    /// <exception cref="UpstreamUnavailableException">The files have it, and it gives none.</exception>
    public static async Task<Lease<AwsCredentials>?> ReadAsync(ProcessEnvironment environment, CredentialHttp http)
    {
        var profile = Name(environment);
        // Only this flow and what it starts sees the value: an asynchronous method puts it back when it ends.
        Reader.Value = http;
        AWSConfigs.HttpClientFactory = Transport;
        if (!Chain(environment).TryGetAWSCredentials(profile, out var source))
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

    /// <summary>Null leaves it to the SDK.</summary>
    private static string? CredentialsFile(ProcessEnvironment environment) =>
        environment["AWS_SHARED_CREDENTIALS_FILE"] is { Length: > 0 } named ? named : null;

    private static CredentialProfileStoreChain Chain(ProcessEnvironment environment) =>
        CredentialsFile(environment) is { } file
            ? new CredentialProfileStoreChain(file)
            : new CredentialProfileStoreChain();

    private static AwsTransport Transport { get; } = new(static () =>
        Reader.Value ?? throw new InvalidOperationException("the AWS SDK connects only while a profile is read"));
}
