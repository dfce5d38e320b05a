using System.Security.Cryptography;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Jose;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn.Groups;

/// <summary>
/// A user's Google Workspace groups, which Google puts into no token: asked of the Admin SDK Directory API by a service
/// account with domain-wide delegation (scope admin.directory.group.readonly). Groups are their e-mail addresses in
/// lower case.
/// </summary>
internal sealed class GoogleGroups : IDisposable
{
    private const string Scope = "https://www.googleapis.com/auth/admin.directory.group.readonly";
    private const int MaxPages = 100;
    private static readonly Uri Directory = new("https://admin.googleapis.com/admin/directory/v1/groups");

    private readonly string _adminEmail;
    private readonly IdpHttp _http;
    private readonly TimeProvider _clock;
    private readonly Uri _directory;
    private readonly string _clientEmail;
    private readonly Uri _tokenUri;
    private readonly RSA _key;
    private readonly DirectoryToken _token;

    /// <exception cref="OperatorException">The service account file is missing or is none.</exception>
    internal GoogleGroups(GoogleGroupsConfig config, IdpHttp http, TimeProvider clock, Uri directory)
    {
        _adminEmail = config.AdminEmail;
        _http = http;
        _clock = clock;
        _directory = directory;
        _key = RSA.Create();
        try
        {
            using var account = JsonDocument.Parse(File.ReadAllText(config.ServiceAccountJsonPath));
            _clientEmail = account.RootElement.GetProperty("client_email").GetString()!;
            _tokenUri = new Uri(
                account.RootElement.TryGetProperty("token_uri", out var uri)
                ? uri.GetString()!
                : "https://oauth2.googleapis.com/token");
            _key.ImportFromPem(account.RootElement.GetProperty("private_key").GetString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"oidc.google_groups.service_account_json_path: {e.Message}", e);
        }
        catch (Exception e)
            when (
                e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException
                or CryptographicException or UriFormatException)
        {
            throw new OperatorException(
                $"oidc.google_groups.service_account_json_path: {config.ServiceAccountJsonPath} is not the JSON key of "
                    + "a Google service account",
                e);
        }

        _token = new DirectoryToken("google_groups", $"{_tokenUri}, for the service account,", AskForTokenAsync, clock);
    }

    /// <exception cref="OperatorException">The service account file is missing or is none.</exception>
    public static GoogleGroups Create(
        GoogleGroupsConfig config, OidcConfig oidc, OutboundHttp outbound, TimeProvider clock) =>
        new(config, IdpHttp.ToDirectory(oidc, outbound, clock), clock, Directory);

    /// <exception cref="IdentityProviderUnavailableException">Google did not answer, or refused.</exception>
    public async Task<IReadOnlyList<string>> OfAsync(string email)
    {
        var groups = new List<string>();
        string? page = null;
        for (var i = 0; i < MaxPages; i++)
        {
            var next = page is null ? "" : $"&pageToken={Uri.EscapeDataString(page)}";
            var answer = await _http.GetAsync(
                new Uri($"{_directory}?userKey={Uri.EscapeDataString(email)}&maxResults=200{next}"),
                await _token.GetAsync());
            if (answer.Status != 200 || answer.Json.ValueKind != JsonValueKind.Object)
            {
                throw new IdentityProviderUnavailableException(
                    $"google_groups lookup failed: the Directory API answered {answer.Status}; check that domain-wide "
                        + $"delegation grants the service account {Scope} and that oidc.google_groups.admin_email is "
                        + "an administrator");
            }

            // Somebody without groups has no such member.
            if (answer.Json.TryGetProperty("groups", out var list))
            {
                groups.AddRange(Emails(list));
            }

            page = answer.Text("nextPageToken");
            if (string.IsNullOrEmpty(page))
            {
                break;
            }
        }

        return groups;
    }

    public void Dispose()
    {
        _key.Dispose();
        _token.Dispose();
        _http.Dispose();
    }

    private Task<IdpAnswer> AskForTokenAsync() => _http.PostFormAsync(
        _tokenUri,
        [new("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), new("assertion", Assertion())]);

    /// <summary>RFC 7523 section 2.1, acting as the administrator.</summary>
    private string Assertion()
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        return SignedAssertion.Create(
            """{"alg":"RS256","typ":"JWT"}"""u8,
            json =>
            {
                json.WriteString("iss", _clientEmail);
                json.WriteString("sub", _adminEmail);
                json.WriteString("scope", Scope);
                json.WriteString("aud", _tokenUri.OriginalString);
                json.WriteNumber("iat", now);
                json.WriteNumber("exp", now + DirectoryToken.LifetimeSeconds);
            },
            _key);
    }

    /// <summary>Whoever cannot be told which groups he is in is not signed in without them.</summary>
    /// <exception cref="IdentityProviderUnavailableException">The list is none.</exception>
    private static IEnumerable<string> Emails(JsonElement list)
    {
        var emails = list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(group => group.Text("email")).ToList()
            : [null];
        return emails.Contains(null)
            ? throw new IdentityProviderUnavailableException(
                "google_groups lookup failed: the Directory API answered 200 with groups that are no list of groups "
                    + "with an email")
#pragma warning disable CA1308 // Google's addresses do not distinguish letter case; policies are written in lower case.
            : emails.Select(email => email!.ToLowerInvariant());
#pragma warning restore CA1308
    }
}
