using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Sessions;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Admin;

/// <summary>
/// Signs a person out everywhere: POST with <c>{"user_id":"…"}</c>, the subject as the audit and the spend API name it.
/// Needs the right to write. It answers for any subject, known or not: whoever it is holds nothing from then on.
/// </summary>
internal sealed class SignOutEndpoint(
    AdminAuthentication authentication, RevocationStore revocations, TimeProvider clock, AuditLog audit)
{
    public const string Path = "/v1/organizations/sessions/revoke";
    private const int MaxIdCharacters = 4096;

    public void Map(Routes routes) => routes.Public("POST", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest gateway)
    {
        var request = new AdminRequest(gateway);
        if (await authentication.AuthenticateAsync(request, mustWrite: true) is not { } caller)
        {
            return;
        }

        if (await ReadUserAsync(gateway) is not { } user)
        {
            await request.InvalidAsync("user_id: must be the subject of a developer, a text");
            return;
        }

        var isStored = true;
        try
        {
            await revocations.SignOutAsync(user);
        }
        catch (StoreUnavailableException)
        {
            isStored = false;
        }
        finally
        {
            // In force here whatever became of the writing.
            audit.AdminSignOut(gateway.Id, caller.Actor, user, gateway.ClientAddress.ToString());
        }

        if (!isStored)
        {
            gateway.Http.Response.Headers.RetryAfter = "1";
            await request.ErrorAsync(
                503,
                "api_error",
                "the store is not available: only this replica has signed the user out; try again in a moment");
            return;
        }

        await request.OkAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "user_signed_out");
            json.WriteString("user_id", user);
            json.WriteString("signed_out_at", Rfc3339.Seconds(clock.GetUtcNow()));
            json.WriteEndObject();
        });
    }

    private static async Task<string?> ReadUserAsync(GatewayRequest gateway)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(gateway.Http.Request.Body, default, gateway.Aborted);
            return body.RootElement.ValueKind == JsonValueKind.Object
                && body.RootElement.TryGetProperty("user_id", out var id) && id.ValueKind == JsonValueKind.String
                && id.GetString() is { Length: > 0 and <= MaxIdCharacters } user && StoredText.IsStorable(user)
                    ? user
                    : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
