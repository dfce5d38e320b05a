using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Outbound;
using ClaudeGateway.SignIn.Oidc;

namespace ClaudeGateway.SignIn.Groups;

/// <summary>
/// The groups of a user whom Entra's tokens leave them out of, because they are too many: asked of Microsoft Graph with
/// a token of the client's own (RFC 6749 section 4.4). Groups are object ids, nested ones included, as in the claim
/// (https://learn.microsoft.com/graph/api/user-list-transitivememberof).
/// </summary>
internal sealed class EntraGroups : IDisposable
{
    private const int MaxPages = 100;
    private const string GroupType = "#microsoft.graph.group";

    private readonly Uri _graph;
    private readonly IdpHttp _http;
    private readonly DirectoryToken _token;

    internal EntraGroups(Uri graph, IdentityProvider provider, IdpHttp http, TimeProvider clock)
    {
        _graph = graph;
        _http = http;
        var scope = new Uri(graph, "/.default").AbsoluteUri;
        _token = new DirectoryToken(
            "entra_groups", $"{provider.Metadata.TokenEndpoint}", () => provider.ClientTokenAsync(scope), clock);
    }

    public static EntraGroups Create(
        OidcConfig oidc, IdentityProvider provider, OutboundHttp outbound, TimeProvider clock) =>
        new(oidc.EntraGraphUrl, provider, IdpHttp.ToDirectory(oidc, outbound, clock), clock);

    /// <param name="objectId">The <c>oid</c> of the user's tokens.</param>
    /// <exception cref="IdentityProviderUnavailableException">Graph did not answer, or refused.</exception>
    public async Task<IReadOnlyList<string>> OfAsync(Guid objectId)
    {
        var groups = new List<string>();
        var page = new Uri(_graph, $"/v1.0/users/{objectId:D}/transitiveMemberOf?$select=id&$top=999");
        for (var i = 0; i < MaxPages; i++)
        {
            var answer = await AskAsync(page);
            groups.AddRange(Ids(answer.Json));
            if (answer.Text("@odata.nextLink") is not { Length: > 0 } link)
            {
                return groups;
            }

            page = Next(link);
        }

        throw new IdentityProviderUnavailableException(
            $"entra_groups lookup failed: Microsoft Graph has more than {MaxPages} pages of groups");
    }

    /// <summary>Looks up the groups of somebody, whoever it is, to see whether that is granted.</summary>
    /// <exception cref="IdentityProviderUnavailableException">Graph did not answer, or refused.</exception>
    public async Task ProbeAsync()
    {
        var users = (await AskAsync(new Uri(_graph, "/v1.0/users?$select=id&$top=1"))).Json;
        if (users.TryGetProperty("value", out var list) && list is { ValueKind: JsonValueKind.Array }
            && list.GetArrayLength() > 0 && Guid.TryParse(list[0].Text("id"), out var somebody))
        {
            await OfAsync(somebody);
        }
    }

    public void Dispose()
    {
        _token.Dispose();
        _http.Dispose();
    }

    private async Task<IdpAnswer> AskAsync(Uri url)
    {
        var token = await _token.GetAsync();
        var answer = await _http.GetAsync(url, token);
        if (answer.Status is 401 or 403)
        {
            await _token.ForgetAsync(token);
        }

        return answer.Status == 200 && answer.Json.ValueKind == JsonValueKind.Object
            ? answer
            : throw new IdentityProviderUnavailableException(
                $"entra_groups lookup failed: Microsoft Graph answered {answer.Status}{Error(answer)}; check that the "
                    + "application has the application permissions User.ReadBasic.All and GroupMember.Read.All of "
                    + "Microsoft Graph, with admin consent");
    }

    private static string Error(IdpAnswer answer) =>
        answer.Json.ValueKind == JsonValueKind.Object && answer.Json.TryGetProperty("error", out var error)
        && error.Text("code") is { Length: > 0 and <= IdpAnswer.MaxErrorChars } code ? $" {code}" : "";

    /// <summary>The token goes to Graph and nowhere else.</summary>
    private Uri Next(string link) =>
        Uri.TryCreate(link, UriKind.Absolute, out var url)
        && Uri.Compare(
            url, _graph, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0
            ? url
            : throw new IdentityProviderUnavailableException(
                "entra_groups lookup failed: the next page that Microsoft Graph names is not at "
                    + _graph.GetLeftPart(UriPartial.Authority));

    /// <summary>
    /// Without roles and administrative units, which one is a member of too. Whoever cannot be told which groups he is
    /// in is not signed in without them.
    /// </summary>
    /// <exception cref="IdentityProviderUnavailableException">The page is none.</exception>
    private static IEnumerable<string> Ids(JsonElement page)
    {
        var ids = page.TryGetProperty("value", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
                .Where(member => member.Text("@odata.type") is null or GroupType)
                .Select(member => member.Text("id"))
                .ToList()
            : [null];
        return ids.Any(string.IsNullOrEmpty)
            ? throw new IdentityProviderUnavailableException(
                "entra_groups lookup failed: Microsoft Graph answered 200 with a page that is no list of groups with "
                    + "an id")
            : ids.OfType<string>();
    }
}
