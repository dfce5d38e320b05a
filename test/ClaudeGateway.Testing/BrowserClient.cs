using System.Net;
using System.Text;

namespace ClaudeGateway.Testing;

/// <summary>What a browser shows after following redirects.</summary>
internal sealed record BrowserPage(Uri Url, HttpStatusCode Status, HttpResponseMessage Response, string Html)
{
    public string? Header(string name) =>
        Response.Headers.TryGetValues(name, out var values) || Response.Content.Headers.TryGetValues(name, out values)
        ? string.Join(", ", values)
        : null;
}

/// <summary>
/// A browser without a screen: cookies, redirects, and the Origin and Sec-Fetch-Site headers of forms. A public origin
/// can be mapped to where its server really listens, as DNS and a TLS proxy would.
/// </summary>
internal sealed class BrowserClient : IDisposable
{
    private const int MaxRedirects = 10;

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
    });
    private readonly Dictionary<string, Uri> _origins = [];

    public CookieContainer Cookies { get; } = new();

    public bool FollowsRedirects { get; set; } = true;

    /// <summary>Sent with every request; null values remove a header the browser would send by itself.</summary>
    public Dictionary<string, string?> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Requests to <paramref name="publicOrigin"/> go to <paramref name="server"/> instead, the Host header kept.
    /// </summary>
    public void Map(string publicOrigin, Uri server) =>
        _origins[new Uri(publicOrigin).GetLeftPart(UriPartial.Authority)] = server;

    public Task<BrowserPage> GetAsync(Uri url) => NavigateAsync(HttpMethod.Get, url, null);

    public Task<BrowserPage> PostFormAsync(Uri url, params (string Name, string Value)[] fields) =>
        NavigateAsync(
            HttpMethod.Post,
            url,
            string.Join('&', fields.Select(f => $"{Uri.EscapeDataString(f.Name)}={Uri.EscapeDataString(f.Value)}")));

    public void Dispose() => _http.Dispose();

    private async Task<BrowserPage> NavigateAsync(HttpMethod method, Uri url, string? form)
    {
        for (var hops = 0; ; hops++)
        {
            var response = await SendAsync(method, url, form);
            if (!FollowsRedirects || response.Headers.Location is not { } location)
            {
                return new BrowserPage(url, response.StatusCode, response, await response.Content.ReadAsStringAsync());
            }

            if (hops == MaxRedirects)
            {
                throw new InvalidOperationException($"more than {MaxRedirects} redirects, the last to {location}");
            }

            url = new Uri(url, location);
            (method, form) = (HttpMethod.Get, null);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri url, string? form)
    {
        var origin = url.GetLeftPart(UriPartial.Authority);
        var target = _origins.TryGetValue(origin, out var server) ? new Uri(server, url.PathAndQuery) : url;
        using var request = new HttpRequestMessage(method, target);
        request.Headers.Host = url.Authority;
        if (Cookies.GetCookieHeader(url) is { Length: > 0 } cookies)
        {
            request.Headers.Add("Cookie", cookies);
        }

        if (form is not null)
        {
            request.Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Sec-Fetch-Site", "same-origin");
        }

        foreach (var (name, value) in Headers)
        {
            request.Headers.Remove(name);
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        var response = await _http.SendAsync(request, CancellationToken.None);
        if (response.Headers.TryGetValues("Set-Cookie", out var set))
        {
            foreach (var cookie in set)
            {
                Cookies.SetCookies(url, cookie);
            }
        }

        return response;
    }
}
