using System.Globalization;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Admin;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli.Admin;

/// <summary>The admin API of a gateway, as the command line calls it. Pages are followed to the end.</summary>
internal sealed class AdminClient(
    HttpMessageInvoker http, Uri gateway, AdminCredential credential, TimeProvider clock)
{
    private const int PageSize = 1000;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <exception cref="OperatorException">The gateway cannot be reached, or refuses.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, AdminApi.Path + path, null, cancellation);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> SetLimitAsync(string body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, AdminApi.Path, body, cancellation);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> DeleteLimitAsync(string id, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Delete, $"{AdminApi.Path}/{Uri.EscapeDataString(id)}", null, cancellation);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> SignOutAsync(string body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, SignOutEndpoint.Path, body, cancellation);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> SettingsVersionsAsync(int days, CancellationToken cancellation) =>
        SendAsync(
            HttpMethod.Get,
            string.Create(CultureInfo.InvariantCulture, $"{SettingsVersionsEndpoint.Path}?days={days}"),
            null,
            cancellation);

    /// <summary>Every cap, in creation order.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<List<JsonElement>> ListLimitsAsync(string? scopeType, CancellationToken cancellation)
    {
        var rows = new List<JsonElement>();
        var cursor = "";
        while (true)
        {
            var scope = scopeType is null ? "" : "&scope_type=" + scopeType;
            var page = await GetAsync($"?limit={PageSize}{scope}{cursor}", cancellation);
            rows.AddRange(page.GetProperty("data").EnumerateArray());
            if (!page.GetProperty("has_more").GetBoolean())
            {
                return rows;
            }

            cursor = "&after_id=" + page.GetProperty("last_id").GetString();
        }
    }

    /// <summary>
    /// The user id that a limit or a session goes by: the gateway knows whose an e-mail address is. One that nobody is
    /// known by stays as it is.
    /// </summary>
    /// <exception cref="OperatorException">As ever, or several developers have the address.</exception>
    public async Task<string> FindUserAsync(string user, CancellationToken cancellation)
    {
        if (!user.Contains('@', StringComparison.Ordinal))
        {
            return user;
        }

        var found = UserIds(await MeantAsync(user, cancellation));
        return found.Count <= 1
            ? found.FirstOrDefault(user)
            : throw new OperatorException(
                $"{found.Count} developers have the e-mail address {user}: give the user id of one of them "
                + $"({Terminal.Printable(string.Join(", ", found))})");
    }

    /// <summary>
    /// The user ids of all who are known by an e-mail address, or by this very id; none where the gateway has seen
    /// nobody.
    /// </summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<IReadOnlyList<string>> FindUsersAsync(string address, CancellationToken cancellation)
    {
        var page = await MeantAsync(address, cancellation);
        var found = UserIds(page);
        if (found.Count != 1 || found[0] != address)
        {
            return found;
        }

        // What nobody is known by comes back as it is, and so does an id: a search finds the second alone.
        var search = await GetAsync(
            $"/effective?period[]=monthly&limit={PageSize}&q={Uri.EscapeDataString(address)}", cancellation);
        return UserIds(search).Contains(address, StringComparer.Ordinal) ? found : [];
    }

    private Task<JsonElement> MeantAsync(string user, CancellationToken cancellation) =>
        GetAsync("/effective?period[]=monthly&user_ids[]=" + Uri.EscapeDataString(user), cancellation);

    private static List<string> UserIds(JsonElement page) =>
        [.. page.GetProperty("data").EnumerateArray()
            .Select(row => row.GetProperty("scope").GetProperty("user_id").GetString()!)];

    /// <summary>The newest changes of caps, newest first.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<List<JsonElement>> ListAuditAsync(int count, CancellationToken cancellation)
    {
        var rows = new List<JsonElement>();
        var cursor = "";
        while (rows.Count < count)
        {
            var page = await GetAsync(
                string.Create(
                    CultureInfo.InvariantCulture, $"/audit?limit={Math.Min(count - rows.Count, PageSize)}{cursor}"),
                cancellation);
            rows.AddRange(page.GetProperty("data").EnumerateArray());
            if (!page.GetProperty("has_more").GetBoolean())
            {
                break;
            }

            cursor = "&after_id=" + rows[^1].GetProperty("id").GetString();
        }

        return rows;
    }

    private async Task<JsonElement> SendAsync(
        HttpMethod method, string path, string? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, new Uri(gateway, path));
        credential.Apply(request);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var limit = new Deadline(Timeout, clock, cancellation);
        try
        {
            using var response = await http.SendAsync(request, limit.Token);
            var text = await response.Content.ReadAsByteArrayAsync(limit.Token);
            var json = Parse(text);
            return response.IsSuccessStatusCode && json is { } answer
                ? answer
                : throw new OperatorException(Problem((int)response.StatusCode, json));
        }
        catch (HttpRequestException e)
        {
            throw new OperatorException(
                $"{gateway.GetLeftPart(UriPartial.Authority)} cannot be reached: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new OperatorException(
                $"{gateway.GetLeftPart(UriPartial.Authority)} did not answer within {Timeout.TotalSeconds} s", e);
        }
    }

    private static string Problem(int status, JsonElement? json)
    {
        var message = json is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("error", out var error)
            && error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out var text)
            ? Terminal.Printable(text.ToString())
            : "no more is said";
        return status switch
        {
            401 =>
                $"the gateway refuses the credentials ({message}): check {AdminCredential.KeyVariable} or "
                    + $"{AdminCredential.BearerVariable}",
            404 when json is null => "the gateway has no admin API: its configuration needs an admin section",
            _ => $"the gateway answered {status}: {message}",
        };
    }

    private static JsonElement? Parse(byte[] text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// How the command line proves who calls: an admin key, or the bearer of somebody in an admin group. From the
/// environment, because arguments are seen by everybody on the machine.
/// </summary>
internal sealed record AdminCredential(string? Key, string? Bearer)
{
    public const string KeyVariable = "CLAUDE_GATEWAY_ADMIN_KEY";
    public const string BearerVariable = "CLAUDE_GATEWAY_BEARER";

    /// <exception cref="OperatorException">There is none.</exception>
    public static AdminCredential From(ProcessEnvironment environment)
    {
        var (key, bearer) = (environment[KeyVariable]?.Trim(), environment[BearerVariable]?.Trim());
        return string.IsNullOrEmpty(key) && string.IsNullOrEmpty(bearer)
            ? throw new OperatorException(
                $"no credentials: set {KeyVariable} to an admin key, or {BearerVariable} to what 'claude-gateway "
                    + "login' prints for a member of an admin group")
            : new AdminCredential(key, bearer);
    }

    public void Apply(HttpRequestMessage request)
    {
        if (string.IsNullOrEmpty(Key))
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Bearer);
        }
        else
        {
            request.Headers.TryAddWithoutValidation("x-api-key", Key);
        }
    }
}
