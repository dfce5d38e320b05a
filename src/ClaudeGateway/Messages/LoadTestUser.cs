using ClaudeGateway.Http;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Messages;

/// <summary>
/// In load-test mode one bearer can play many developers: <c>x-load-test-user: 7</c> makes the request one of
/// <c>SUB+loadtest-7</c>, with the bearer's e-mail and groups (spec/newer.md, load_test_mode).
/// </summary>
internal static class LoadTestUser
{
    private const int MaxDigits = 7;

    /// <summary>The developer to serve, or null when the header is no number.</summary>
    public static Principal? Of(GatewayRequest request, Principal principal)
    {
        if (!request.Http.Request.Headers.TryGetValue("x-load-test-user", out var values))
        {
            return principal;
        }

        var text = values.ToString();
        return text.Length is > 0 and <= MaxDigits && !text.AsSpan().ContainsAnyExceptInRange('0', '9')
            ? principal with
            {
                Sub = $"{principal.Sub}+loadtest-{int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)}",
                PlayedBy = principal.Sub,
            }
            : null;
    }

    public static ApiError Unreadable { get; } = ApiError.InvalidRequest(
        $"x-load-test-user must be a whole number of at most {MaxDigits} digits");
}
