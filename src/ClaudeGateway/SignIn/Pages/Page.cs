using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn.Pages;

/// <summary>
/// The one layout of the sign-in pages: no script, nothing loaded from elsewhere, light and dark by the reader's
/// setting. The style is allowed by its hash, so an injected one would not apply.
/// </summary>
internal static class Page
{
    private const string Style = """
        :root{color-scheme:light dark;--bg:#f4f3ef;--card:#fff;--ink:#1d1c1a;--soft:#5c5a55;--line:#d9d6cf;
          --accent:#9a4a2b;--on-accent:#fff;--field:#fff;--warn-bg:#fbeeee;--warn:#8f1d1d;--note-bg:#f1eee6}
        @media (prefers-color-scheme:dark){:root{--bg:#161513;--card:#211f1c;--ink:#f1efe9;--soft:#b5b1a8;
          --line:#3d3a35;--accent:#e0926f;--on-accent:#1d130e;--field:#161513;--warn-bg:#3a1f1f;--warn:#ffb4ab;
          --note-bg:#2b2824}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;justify-content:center;
          padding:1.25rem;background:var(--bg);color:var(--ink);
          font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;
          padding:2rem 1.75rem}
        footer{margin-top:1rem;color:var(--soft);font-size:.875rem;text-align:center}
        h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}
        p{margin:0 0 1rem}
        .soft{color:var(--soft)}
        label{display:block;font-weight:600;margin-bottom:.375rem}
        input[type=text]{width:100%;padding:.75rem;border:1px solid var(--soft);border-radius:.625rem;
          background:var(--field);color:var(--ink);
          font:600 1.375rem/1.3 ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace;letter-spacing:.12em;
          text-align:center;text-transform:uppercase}
        .code{margin:0 0 1.25rem;padding:.875rem;border:1px dashed var(--soft);border-radius:.625rem;
          font:600 1.625rem/1.2 ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace;letter-spacing:.12em;
          text-align:center;overflow-wrap:anywhere}
        .notice,.problem{border-radius:.625rem;padding:.75rem 1rem;margin:0 0 1rem;overflow-wrap:anywhere}
        .notice{background:var(--note-bg)}
        .problem{background:var(--warn-bg);color:var(--warn)}
        dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1.25rem}
        dt{color:var(--soft)}
        dd{margin:0;overflow-wrap:anywhere}
        button,.button{display:block;width:100%;margin-top:.75rem;padding:.8rem 1rem;border:1px solid var(--accent);
          border-radius:.625rem;background:var(--accent);color:var(--on-accent);font-family:inherit;font-size:1rem;
          font-weight:600;line-height:1.3;text-align:center;text-decoration:none;cursor:pointer}
        button.quiet{background:transparent;color:var(--ink);border-color:var(--soft)}
        a{color:var(--accent)}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px}
        @media (max-width:30rem){main{padding:1.5rem 1.125rem}}
        """;

    private static readonly string StyleSource =
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'";

    /// <summary>
    /// Letters of every script stay legible in the page's source; what HTML gives a meaning is encoded.
    /// </summary>
    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>Text as it may stand in an element or a quoted attribute.</summary>
    public static string Encode(string text) => Html.Encode(text);

    /// <param name="formAction">The CSP sources a form may be sent to, redirects of its answer included.</param>
    /// <param name="body">HTML; every value in it has gone through <see cref="Encode"/>.</param>
    public static Task WriteAsync(GatewayRequest request, int status, string formAction, string title, string body)
    {
        var headers = request.Http.Response.Headers;
        headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src {StyleSource}; frame-ancestors 'none'; form-action {formAction}; base-uri "
                + "'none'";
        Answers.NoStore(request);
        var html = $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="robots" content="noindex">
            <title>{Encode(title)} · Claude gateway</title>
            <style>{Style}</style>
            </head>
            <body>
            <main>
            <h1>{Encode(title)}</h1>
            {body}
            </main>
            <footer>Claude gateway</footer>
            </body>
            </html>

            """;
        return Answers.WriteAsync(request, status, Answers.Html, Encoding.UTF8.GetBytes(html));
    }
}
