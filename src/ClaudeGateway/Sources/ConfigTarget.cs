using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Credentials.Azure;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Process;

namespace ClaudeGateway.Sources;

/// <summary>Adds to a request, complete but for that, what proves who asks.</summary>
/// <exception cref="UpstreamUnavailableException">There is no credential.</exception>
internal delegate ValueTask AuthorizeFetch(HttpRequestMessage request, CancellationToken cancellation);

/// <summary>
/// What a <see cref="ConfigUrl"/> comes to in this environment: the address that is asked, what proves who asks, and
/// what has to be granted for it. Nothing of a cloud's library is loaded before the first request.
/// </summary>
internal sealed partial class ConfigTarget
{
    /// <summary>The narrowest that reads an object.</summary>
    private const string GoogleScope = "https://www.googleapis.com/auth/devstorage.read_only";

    /// <summary>Of the storage of every Azure cloud.</summary>
    private const string EntraScope = "https://storage.azure.com/.default";

    /// <summary>
    /// The Blob service takes tokens of Microsoft Entra ID since 2017-11-09; every account knows this later one.
    /// </summary>
    private const string BlobVersion = "2021-12-02";

    private ConfigTarget(Uri address, AuthorizeFetch authorize, string? grant)
    {
        Address = address;
        Authorize = authorize;
        Grant = grant;
    }

    public Uri Address { get; }

    public AuthorizeFetch Authorize { get; }

    /// <summary>What the identity needs to read it, for the operator; null where there is none.</summary>
    public string? Grant { get; }

    /// <exception cref="OperatorException">The environment does not say where, or says it wrongly.</exception>
    public static ConfigTarget Of(
        ConfigUrl url, ProcessEnvironment environment, CredentialHttp http, TimeProvider clock) => url.Store switch
        {
            ConfigStore.S3 => S3(url, environment, http, clock),
            ConfigStore.GoogleStorage => GoogleStorage(url, environment, http, clock),
            ConfigStore.AzureBlob => AzureBlob(url, environment, http, clock),
            _ => new ConfigTarget(url.Address!, static (_, _) => ValueTask.CompletedTask, null),
        };

    private static ConfigTarget S3(
        ConfigUrl url, ProcessEnvironment environment, CredentialHttp http, TimeProvider clock)
    {
        var endpoint = Given(environment, "AWS_ENDPOINT_URL_S3") ?? Given(environment, "AWS_ENDPOINT_URL");
        var region = url.Region ?? Given(environment, "AWS_REGION") ?? Given(environment, "AWS_DEFAULT_REGION")
            ?? throw new OperatorException(
                $"--config: {url.Name} says no AWS region: append ?region=REGION, or set AWS_REGION");
        var cloud = region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com";
        // A certificate of S3 names one label before its own: other buckets stand in the path.
        var origin = endpoint is not null ? $"{endpoint.TrimEnd('/')}/{url.Bucket}"
            : OneLabel().IsMatch(url.Bucket) ? $"https://{url.Bucket}.s3.{region}.{cloud}"
            : $"https://s3.{region}.{cloud}/{url.Bucket}";
        var signer = new SigV4Signer(region, "s3");
        var credentials = new CredentialCache<AwsCredentials>(
            new AwsCredentialChain(environment, http).ResolveAsync, clock);
        return new ConfigTarget(
            At(origin, url.Key, "AWS_ENDPOINT_URL_S3"),
            async (request, cancellation) =>
            {
                var keys = await credentials.GetAsync(cancellation);
                signer.Sign(request, [], keys, clock.GetUtcNow());
            },
            $"s3:GetObject on arn:aws:s3:::{url.Bucket}/{url.Key}, and kms:Decrypt where a key of KMS encrypts it");
    }

    private static ConfigTarget GoogleStorage(
        ConfigUrl url, ProcessEnvironment environment, CredentialHttp http, TimeProvider clock)
    {
        const string grant = "roles/storage.objectViewer on the bucket";
        // As the libraries of Google have it: an emulator is asked by nobody in particular.
        if (Given(environment, "STORAGE_EMULATOR_HOST") is { } emulator)
        {
            var origin = emulator.Contains("://", StringComparison.Ordinal) ? emulator : "http://" + emulator;
            return new ConfigTarget(
                At($"{origin.TrimEnd('/')}/{url.Bucket}", url.Key, "STORAGE_EMULATOR_HOST"),
                static (_, _) => ValueTask.CompletedTask,
                grant);
        }

        var tokens = new GoogleTokens(null, environment, http, clock, GoogleScope);
        return new ConfigTarget(
            At($"https://storage.googleapis.com/{url.Bucket}", url.Key, "STORAGE_EMULATOR_HOST"),
            (request, cancellation) => BearAsync(request, tokens.GetAsync(cancellation)),
            grant);
    }

    private static ConfigTarget AzureBlob(
        ConfigUrl url, ProcessEnvironment environment, CredentialHttp http, TimeProvider clock)
    {
        var tokens = new EntraTokens(environment, http, clock, EntraScope);
        return new ConfigTarget(
            url.Address!,
            (request, cancellation) =>
            {
                request.Headers.TryAddWithoutValidation("x-ms-version", BlobVersion);
                request.Headers.TryAddWithoutValidation(
                    "x-ms-date", clock.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));
                return BearAsync(request, tokens.GetAsync(cancellation));
            },
            "the role Storage Blob Data Reader on the container");
    }

    private static async ValueTask BearAsync(HttpRequestMessage request, ValueTask<string> token) =>
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token);

    private static Uri At(string origin, string key, string variable)
    {
        var path = string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
        return Uri.TryCreate($"{origin}/{path}", UriKind.Absolute, out var address) && ConfigUrl.IsSafe(address)
            && address.UserInfo.Length == 0
                ? address
                : throw new OperatorException(
                    $"{variable}: expected https://host (http:// for this machine alone), without a user or password");
    }

    private static string? Given(ProcessEnvironment environment, string name) =>
        environment[name] is { Length: > 0 } value ? value : null;

    [GeneratedRegex(@"^[a-z0-9-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex OneLabel();
}
