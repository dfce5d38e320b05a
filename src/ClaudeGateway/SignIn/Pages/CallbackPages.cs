using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn.Pages;

/// <summary>What the browser shows when it comes back from the IdP.</summary>
internal static class CallbackPages
{
    public static Task SignedInAsync(GatewayRequest request, string? email) => WriteAsync(
        request,
        200,
        "You are signed in",
        $"""
        <p>{(email is null ? "" : $"Signed in as <strong>{Page.Encode(email)}</strong>. ")}Go back to your terminal or
          app; it continues by itself.</p>
        <p class="soft">You can close this tab.</p>
        """);

    public static Task StaleAsync(GatewayRequest request) => WriteAsync(
        request,
        400,
        "This sign-in is no longer open",
        """
        <p class="problem" role="alert">The link was used already, is older than ten minutes, or is not complete.</p>
        <p>Start again in your terminal or app, or enter its code once more.</p>
        <p><a class="button" href="/device">Enter a code</a></p>
        """);

    public static Task LimitedAsync(GatewayRequest request) => WriteAsync(
        request,
        429,
        "Too many attempts",
        """
        <p class="problem" role="alert">Too many sign-ins that are not open were tried from your network.</p>
        <p>Nothing is lost: wait a minute and reload this page.</p>
        """);

    public static Task OtherBrowserAsync(GatewayRequest request) => WriteAsync(
        request,
        403,
        "Continue in the browser you began with",
        """
        <p class="problem" role="alert">This sign-in was started in another browser, or this one does not keep
          cookies.</p>
        <p>Enter the code again here, and finish in the same window.</p>
        <p><a class="button" href="/device">Enter a code</a></p>
        """);

    /// <param name="error">The code and text the IdP sent with the browser; not trusted.</param>
    public static Task ProviderErrorAsync(GatewayRequest request, string error) => WriteAsync(
        request,
        400,
        "Your identity provider did not sign you in",
        $"""
        <p class="problem" role="alert">It says: {Page.Encode(error)}</p>
        <p>Your code is still valid: try again, or ask your administrator.</p>
        <p><a class="button" href="/device">Enter the code again</a></p>
        """);

    public static Task RefusedAsync(GatewayRequest request, string reason) => WriteAsync(
        request,
        403,
        "You could not be signed in",
        $"""
        <p class="problem" role="alert">{Page.Encode(reason)}</p>
        <p>If you think you should have access, show this page to your administrator (request
          {Page.Encode(request.Id)}).</p>
        """);

    public static Task ProviderUnreachableAsync(GatewayRequest request) => WriteAsync(
        request,
        502,
        "Your identity provider does not answer",
        $"""
        <p class="problem" role="alert">The gateway could not finish your sign-in with it. Nothing is lost: reload this
          page, or enter your code again.</p>
        <p><a class="button" href="/device">Enter the code again</a></p>
        <p class="soft">Request {Page.Encode(request.Id)}</p>
        """);

    public static Task StoreUnavailableAsync(GatewayRequest request) => WriteAsync(
        request,
        503,
        "Try again in a moment",
        """<p class="problem" role="alert">The gateway cannot reach its database right now. Reload this page in a moment.</p>""");

    private static Task WriteAsync(GatewayRequest request, int status, string title, string body) =>
        Page.WriteAsync(request, status, "'self'", title, body);
}
