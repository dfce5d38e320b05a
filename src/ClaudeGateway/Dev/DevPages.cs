using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

/// <summary>
/// The pages of the development identity provider: light and dark, on a phone, by keyboard, without JavaScript.
/// </summary>
internal static class DevPages
{
    private const string Style = """
        :root { color-scheme: light dark; --page: #f5f4f1; --card: #fff; --ink: #1d1c1a; --soft: #5f5c56;
          --line: #d9d6cf; --accent: #9a3f1d; --on-accent: #fff; --alert: #a1260d; }
        @media (prefers-color-scheme: dark) { :root { --page: #191817; --card: #232220; --ink: #f0eee9;
          --soft: #b3afa6; --line: #44413c; --accent: #f0a07c; --on-accent: #2a1206; --alert: #ff9d85; } }
        * { box-sizing: border-box; }
        body { margin: 0; min-height: 100vh; padding: 2rem 1rem; display: flex; justify-content: center;
          align-items: flex-start; background: var(--page); color: var(--ink);
          font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        main { width: 100%; max-width: 27rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line);
          border-radius: .9rem; }
        h1 { margin: 0 0 .25rem; font-size: 1.35rem; line-height: 1.3; }
        h2 { margin: 0; font-size: 1rem; }
        p { margin: 0 0 1.25rem; color: var(--soft); }
        a { color: var(--accent); }
        ul { list-style: none; margin: 0 0 1.5rem; padding: 0; display: grid; gap: .6rem; }
        button { width: 100%; min-height: 2.9rem; padding: .6rem .9rem; border: 1px solid var(--line);
          border-radius: .6rem; background: none; color: inherit; font: inherit; text-align: left; cursor: pointer; }
        button:hover { border-color: var(--accent); }
        button b, button span { display: block; overflow-wrap: anywhere; }
        button span { color: var(--soft); font-size: .875rem; }
        button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent);
          text-align: center; font-weight: 600; }
        button.quiet { margin-top: .6rem; border-color: transparent; color: var(--soft); text-align: center; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        label { display: block; margin: .8rem 0 .25rem; font-weight: 600; font-size: .9rem; }
        label small { font-weight: 400; color: var(--soft); }
        input { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--soft);
          border-radius: .5rem; background: var(--page); color: inherit; font: inherit; }
        form .primary { margin-top: 1.1rem; }
        [role=alert] { margin: .8rem 0 0; padding: .6rem .8rem; border-left: 4px solid var(--alert);
          background: var(--page); color: var(--alert); font-weight: 600; }
        """;

    /// <param name="query">Of the authorization request, with its question mark; the form sends it back.</param>
    /// <param name="problem">What was wrong with the typed user, or null.</param>
    public static string SignIn(string query, string? problem, string email, string name, string groups)
    {
        var action = WebUtility.HtmlEncode("/authorize" + query);
        var users = new StringBuilder();
        foreach (var user in DevUser.Known)
        {
            users.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"""<li><button name="user" value="{user.Sub}"><b>{user.Name}</b><span>{user.Email} · {string.Join(", ", user.Groups)}</span></button></li>""");
        }

        var alert = problem is null ? "" : $"""<p role="alert" id="problem">{WebUtility.HtmlEncode(problem)}</p>""";
        var described = problem is null ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\" autofocus";
        return Page("Sign in · development", $"""
            <h1>Who are you today?</h1>
            <p>Development identity provider: anybody may be anybody here.</p>
            <form method="post" action="{action}"><ul>{users}</ul></form>
            <form method="post" action="{action}" novalidate>
            <h2>Somebody else</h2>{alert}
            <label for="email">E-mail address</label>
            <input id="email" name="email" type="email" autocomplete="email" required
              value="{WebUtility.HtmlEncode(email)}"{described}>
            <label for="name">Name <small>(optional)</small></label>
            <input id="name" name="name" autocomplete="name" value="{WebUtility.HtmlEncode(name)}">
            <label for="groups">Groups <small>(optional, with commas between)</small></label>
            <input id="groups" name="groups" autocomplete="off" value="{WebUtility.HtmlEncode(groups)}">
            <button class="primary">Sign in</button>
            <button class="quiet" name="cancel" value="1">Cancel</button>
            </form>
            """);
    }

    public static string Home(string gateway) => Page("Development identity provider", $"""
        <h1>Development identity provider</h1>
        <p>It signs developers in to <a href="{gateway}/">{gateway}</a>. To sign a device in, open <a
          href="{gateway}/device">{gateway}/device</a>.</p>
        """);

    public static string Message(string title, string text) =>
        Page(title, $"<h1>{WebUtility.HtmlEncode(title)}</h1><p>{WebUtility.HtmlEncode(text)}</p>");

    /// <param name="formTarget">Where a form may lead after its redirects, beside this server itself.</param>
    public static Task WriteAsync(HttpContext http, int status, string page, string formTarget = "")
    {
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {formTarget}; frame-ancestors 'none'; "
                + "base-uri 'none'";
        return response.WriteAsync(page, http.RequestAborted);
    }

    private static string Page(string title, string body) => $"""
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{WebUtility.HtmlEncode(title)}</title><style>{Style}</style></head>
        <body><main>{body}</main></body>
        </html>
        """;
}
