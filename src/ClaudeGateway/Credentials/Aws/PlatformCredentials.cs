using System.Globalization;
using System.Net;
using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Credentials that the platform hands to what runs on it: ECS, EKS Pod Identity and other containers, and EC2
/// instances (IMDSv2). Not through the AWS SDK, which would reach them past our transport and environment.
/// </summary>
internal sealed class PlatformCredentials(ProcessEnvironment environment, CredentialHttp http)
{
    private const string EcsHost = "http://169.254.170.2";
    private static readonly IPAddress[] ContainerHosts = [
        IPAddress.Parse("169.254.170.2"), IPAddress.Parse("169.254.170.23"), IPAddress.Parse("fd00:ec2::23")];

    private readonly InstanceMetadata _instance = new(environment, http);

    /// <summary>Null when the environment names no container credentials.</summary>
    public async Task<Lease<AwsCredentials>?> FromContainerAsync(CancellationToken cancellation)
    {
        var uri = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] is { Length: > 0 } relative
            ? new Uri(EcsHost + relative)
            : environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] is { Length: > 0 } full ? CheckedContainerUri(full)
            : null;
        if (uri is null)
        {
            return null;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        var authorization = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] is { Length: > 0 } file
            ? (await ReadTokenAsync(file, cancellation)).Trim()
            : environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
        if (!string.IsNullOrEmpty(authorization))
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return Parse(await http.AskPlatformAsync(request, cancellation), "the container credential service");
    }

    /// <summary>Null when AWS_EC2_METADATA_DISABLED is set.</summary>
    public async Task<Lease<AwsCredentials>?> FromInstanceAsync(CancellationToken cancellation)
    {
        const string Roles = "meta-data/iam/security-credentials/";
        return _instance.IsDisabled
            ? null
            : await _instance.AskAsync(
                async read =>
                {
                    var role = (await read(Roles)).Split('\n')[0].Trim();
                    return Parse(await read(Roles + role), "the instance metadata service");
                },
                cancellation);
    }

    private static async Task<string> ReadTokenAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpstreamUnavailableException($"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {e.Message}", e);
        }
    }

    /// <summary>
    /// As the AWS SDKs: without TLS only this machine and the platform's own addresses, so that the token goes nowhere
    /// else.
    /// </summary>
    private static Uri CheckedContainerUri(string text)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps
                || (uri.Scheme == Uri.UriSchemeHttp
                    && (AddressRules.IsLoopbackHost(uri.IdnHost)
                        || (IPAddress.TryParse(uri.IdnHost, out var address) && ContainerHosts.Contains(address))))))
        {
            return uri;
        }

        throw new UpstreamUnavailableException(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on loopback or 169.254.170.2 or .23");
    }

    private static Lease<AwsCredentials> Parse(string text, string source)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            if (root.Text("AccessKeyId") is { } id && root.Text("SecretAccessKey") is { } secret)
            {
                const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal;
                var said = root.Text("Expiration");
                var hasEnd = DateTimeOffset.TryParse(said, CultureInfo.InvariantCulture, Utc, out var end);
                var credentials = new AwsCredentials(id, secret, root.Text("Token"));
                return new Lease<AwsCredentials>(credentials, hasEnd ? end : null, TimeSpan.FromMinutes(5));
            }

            throw new UpstreamUnavailableException(
                $"{source} has no credentials: {root.Text("Code") ?? "no AccessKeyId"}");
        }
        catch (JsonException e)
        {
            throw new UpstreamUnavailableException($"{source} answered something that is not JSON", e);
        }
    }
}
