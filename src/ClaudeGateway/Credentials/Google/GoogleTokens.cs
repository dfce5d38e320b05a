using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Process;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;
using Google.Apis.Http;

namespace ClaudeGateway.Credentials.Google;

/// <summary>
/// Access tokens of a Google credential: the configured file, or Application Default Credentials (a file named by the
/// environment, gcloud's file, the metadata server). Exchanges are made by Google's library over our own transport.
/// </summary>
internal sealed class GoogleTokens
{
    public const string CloudPlatform = "https://www.googleapis.com/auth/cloud-platform";
    private const string TokenPath = "/computeMetadata/v1/instance/service-accounts/default/";

    /// <summary>For tokens of credentials that do not say when they end.</summary>
    private static readonly TimeSpan UnknownLife = TimeSpan.FromMinutes(10);

    private readonly ProcessEnvironment _environment;
    private readonly CredentialHttp _http;
    private readonly TimeProvider _clock;
    private readonly string? _file;
    private readonly string _scope;
    private readonly CredentialCache<string> _cache;

    /// <param name="serviceAccountJson">A path; null uses Application Default Credentials.</param>
    public GoogleTokens(
        string? serviceAccountJson,
        ProcessEnvironment environment,
        CredentialHttp http,
        TimeProvider clock,
        string scope = CloudPlatform)
    {
        _scope = scope;
        _environment = environment;
        _http = http;
        _clock = clock;
        _file = serviceAccountJson ?? DefaultFile(environment);
        _cache = new CredentialCache<string>(FetchAsync, clock);
    }

    /// <exception cref="UpstreamUnavailableException">There is no token.</exception>
    public ValueTask<string> GetAsync(CancellationToken cancellation) => _cache.GetAsync(cancellation);

    /// <summary>What is wrong with the credential file as it stands, or null.</summary>
    public string? FileProblem()
    {
        if (_file is null)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(_file));
            return TypeOf(json) is null
                ? $"{_file}: has no \"type\"; expected a service account, external account or user credential file"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{_file}: cannot be read: {e.Message}";
        }
        catch (JsonException)
        {
            return $"{_file}: is not JSON";
        }
    }

    /// <summary>The file of Application Default Credentials; null when there is none.</summary>
    public static string? DefaultFile(ProcessEnvironment environment)
    {
        if (environment["GOOGLE_APPLICATION_CREDENTIALS"] is { Length: > 0 } named)
        {
            return named;
        }

        var folder = environment["CLOUDSDK_CONFIG"] is { Length: > 0 } configured
            ? configured
            : Path.Combine(environment["HOME"] ?? "", ".config", "gcloud");
        var wellKnown = Path.Combine(folder, "application_default_credentials.json");
        return File.Exists(wellKnown) ? wellKnown : null;
    }

    /// <summary>
    /// The project that a credential file names: its own, else the one that gcloud was told to bill. Null without.
    /// </summary>
    /// <exception cref="UpstreamUnavailableException">It cannot be read.</exception>
    public static string? ProjectOf(string file)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return json.RootElement is not { ValueKind: JsonValueKind.Object } root ? null
                : root.Text("project_id") is { Length: > 0 } own ? own
                : root.Text("quota_project_id");
        }
        catch (JsonException e)
        {
            throw new UpstreamUnavailableException("is not JSON", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpstreamUnavailableException($"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The file is read again for every token: keys are rotated under the same name.</summary>
    private async Task<Lease<string>> FetchAsync(CancellationToken cancellation)
    {
        try
        {
            var credential = _file is null ? FromMetadataServer() : await FromFileAsync(_file, cancellation);
            var token = await ((ITokenAccess)credential).GetAccessTokenForRequestAsync(null, cancellation);
            // The library takes any text for one.
            if (!AccessToken.IsUsable(token))
            {
                throw new InvalidOperationException("the answer has no usable access_token");
            }

            return new Lease<string>(token, ExpiryOf(credential) ?? _clock.GetUtcNow() + UnknownLife);
        }
        catch (Exception e)
            when (
                e is TokenResponseException or HttpRequestException or IOException or UnauthorizedAccessException
                or JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new UpstreamUnavailableException(
                $"Google credential {_file ?? "of the metadata server"}: {e.Message}", e);
        }
    }

    private async Task<GoogleCredential> FromFileAsync(string file, CancellationToken cancellation)
    {
        var text = await File.ReadAllTextAsync(file, cancellation);
        using var json = JsonDocument.Parse(text);
        var type = TypeOf(json) ?? throw new UpstreamUnavailableException($"{file} has no \"type\"");
        return CredentialFactory.FromJson(text, type).CreateWithHttpClientFactory(new Transport(_http))
            .CreateScoped(_scope);
    }

    private GoogleCredential FromMetadataServer()
    {
        var service = $"http://{GoogleMetadata.Host(_environment)}{TokenPath}";
        return GoogleCredential.FromComputeCredential(
            new ComputeCredential(new ComputeCredential.Initializer(service + "token", service + "identity")
            {
                HttpClientFactory = new Transport(_http),
                Scopes = [_scope],
            }));
    }

    private static DateTimeOffset? ExpiryOf(GoogleCredential credential) =>
        credential.UnderlyingCredential is ServiceCredential { Token: { ExpiresInSeconds: { } seconds } token }
        ? new DateTimeOffset(token.IssuedUtc, TimeSpan.Zero).AddSeconds(seconds)
        : null;

    private static string? TypeOf(JsonDocument json) => json.RootElement.Text("type");

    /// <summary>One attempt a request: a failing token endpoint means the next upstream, not a wait.</summary>
    private sealed class Transport(CredentialHttp http) : global::Google.Apis.Http.IHttpClientFactory
    {
        public ConfigurableHttpClient CreateHttpClient(CreateHttpClientArgs args)
        {
            var client = new ConfigurableHttpClient(new ConfigurableMessageHandler(http.CreateHandler())
            {
                NumTries = 1,
                ApplicationName = args.ApplicationName,
            });
            foreach (var initializer in args.Initializers)
            {
                if (initializer is not ExponentialBackOffInitializer)
                {
                    initializer.Initialize(client);
                }
            }

            return client;
        }
    }
}
