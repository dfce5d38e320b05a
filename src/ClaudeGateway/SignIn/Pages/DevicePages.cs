using System.Globalization;
using ClaudeGateway.Http;
using ClaudeGateway.Json;
using ClaudeGateway.SignIn.Device;

namespace ClaudeGateway.SignIn.Pages;

/// <summary>The pages of /device: enter a code, confirm a code, and what came of it.</summary>
/// <param name="formAction">Where the form may lead: this origin, and the IdP it redirects to.</param>
/// <param name="loginNotice">The operator's notice, or null.</param>
internal sealed class DevicePages(string formAction, string? loginNotice)
{
    /// <param name="problem">Why the person sees the form again, or null.</param>
    public Task EnterCodeAsync(GatewayRequest request, int status, string? problem) => WriteAsync(
        request,
        status,
        "Sign in to Claude Code",
        $"""
        {(problem is null ? "" : $"""<p class="problem" role="alert">{Page.Encode(problem)}</p>""")}
        {Notice}
        <p id="hint">Type the code that your terminal or app shows.</p>
        <form method="post" action="/device">
        <label for="user_code">Code</label>
        <input type="text" id="user_code" name="user_code" aria-describedby="hint" autocomplete="off"
          autocapitalize="characters" spellcheck="false" maxlength="20" placeholder="XXXX-XXXX" required autofocus>
        <button type="submit">Continue</button>
        </form>
        """);

    /// <param name="origin">Who asked for the code; null when that is not known.</param>
    public Task ConfirmAsync(GatewayRequest request, string userCode, DeviceRequest? origin, DateTimeOffset now) =>
        WriteAsync(
        request,
        200,
        "Is this your code?",
        $"""
        {Notice}
        <p>Compare it with the code on your own screen. If they differ, or you did not start a sign-in, choose
          “Deny”.</p>
        <p class="code">{Page.Encode(userCode)}</p>
        {Origin(origin, now)}
        <form method="post" action="/device">
        <input type="hidden" name="user_code" value="{Page.Encode(userCode)}">
        <button type="submit">The codes match: sign in</button>
        <button type="submit" class="quiet" formaction="/device/deny">Deny</button>
        </form>
        """);

    public Task DeniedAsync(GatewayRequest request) => WriteAsync(
        request,
        200,
        "Request denied",
        """
        <p>The device that asked for this code will not be signed in.</p>
        <p class="soft">If somebody sent you the code or the link, tell your security team. You can close this tab.</p>
        """);

    public Task LimitedAsync(GatewayRequest request, TimeSpan wait) => WriteAsync(
        request,
        429,
        "Too many attempts",
        $"""<p class="problem" role="alert">Too many codes were tried from your network. Wait {Wait(wait)} and try again.</p>""");

    public Task ForeignFormAsync(GatewayRequest request) => WriteAsync(
        request,
        403,
        "Open this page directly",
        """
        <p class="problem" role="alert">This form was sent from another site, so it was not accepted.</p>
        <p><a class="button" href="/device">Enter the code here</a></p>
        """);

    public Task StoreUnavailableAsync(GatewayRequest request) => WriteAsync(
        request,
        503,
        "Try again in a moment",
        """<p class="problem" role="alert">The gateway cannot reach its database right now. Your code stays valid; reload this page in a moment.</p>""");

    private string Notice => loginNotice is null ? "" : $"""<p class="notice">{Page.Encode(loginNotice)}</p>""";

    private Task WriteAsync(GatewayRequest request, int status, string title, string body) =>
        Page.WriteAsync(request, status, formAction, title, body);

    private static string Origin(DeviceRequest? origin, DateTimeOffset now) => origin is null
        ? ""
        : $"""
        <dl>
        <dt>Requested from</dt><dd>{Page.Encode(origin.Address)}</dd>
        <dt>When</dt><dd><time datetime="{Rfc3339.Seconds(origin.At)}">{Ago(now - origin.At)}
          ({origin.At.ToString("HH:mm", CultureInfo.InvariantCulture)} UTC)</time></dd>
        {(origin.UserAgent is { } agent ? $"<dt>Client</dt><dd>{Page.Encode(agent)}</dd>" : "")}
        </dl>
        """;

    private static string Ago(TimeSpan age) =>
        age.TotalMinutes < 1
        ? "less than a minute ago" : age.TotalMinutes < 2 ? "1 minute ago"
        : $"{(int)age.TotalMinutes} minutes ago";

    private static string Wait(TimeSpan wait) =>
        wait.TotalMinutes < 1 ? "a minute" : $"{Math.Ceiling(wait.TotalMinutes):0} minutes";
}
