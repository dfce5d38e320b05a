using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Json;

namespace ClaudeGateway.SignIn;

/// <summary>An OAuth error (RFC 6749 section 5.2, RFC 8628 section 3.5).</summary>
internal sealed record OAuthError(int Status, string Error, string? Description = null)
{
    public static readonly OAuthError InvalidRequest = new(400, "invalid_request");
    public static readonly OAuthError UnsupportedGrantType = new(400, "unsupported_grant_type");
    public static readonly OAuthError AuthorizationPending = new(400, "authorization_pending");
    public static readonly OAuthError AccessDenied = new(400, "access_denied");
    public static readonly OAuthError ExpiredToken = new(400, "expired_token");

    /// <summary>401 instead of the RFC's 400: the client forgets the session on it (docs/protocol.md).</summary>
    public static readonly OAuthError InvalidGrant = new(401, "invalid_grant");

    public static readonly OAuthError TemporarilyUnavailable = new(503, "temporarily_unavailable")
    {
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    public TimeSpan? RetryAfter { get; init; }

    public static OAuthError SlowDown(TimeSpan wait, string? description = null) => new(429, "slow_down", description)
    {
        RetryAfter = wait,
    };

    public Task WriteAsync(GatewayRequest request)
    {
        OAuthAnswers.SetRetryAfter(request, RetryAfter);
        return OAuthAnswers.WriteAsync(request, Status, json =>
        {
            json.WriteString("error", Error);
            if (Description is not null)
            {
                json.WriteString("error_description", Description);
            }
        });
    }
}

/// <summary>JSON answers of the OAuth endpoints; never cached.</summary>
internal static class OAuthAnswers
{
    /// <param name="writeFields">Writes the members of the answer's object.</param>
    public static Task WriteAsync(GatewayRequest request, int status, Action<Utf8JsonWriter> writeFields)
    {
        Answers.NoStore(request);
        return Answers.WriteAsync(request, status, Answers.Json, Json(writeFields));
    }

    public static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> writeFields)
    {
        var body = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(body, JsonWriting.Plain))
        {
            json.WriteStartObject();
            writeFields(json);
            json.WriteEndObject();
        }

        return body.WrittenMemory;
    }

    public static void SetRetryAfter(GatewayRequest request, TimeSpan? wait)
    {
        if (wait is { } time)
        {
            request.Http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(time.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
        }
    }
}
