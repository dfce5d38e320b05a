using System.Buffers;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Json;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.SignIn.Oidc;

/// <summary>
/// The identity provider gave no usable answer; the message names what was asked and what came, without secrets.
/// </summary>
internal sealed class IdentityProviderUnavailableException : Exception
{
    public IdentityProviderUnavailableException()
    {
    }

    public IdentityProviderUnavailableException(string message)
        : base(message)
    {
    }

    public IdentityProviderUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the gateway refuses to ask there at all, so that another try cannot help.</summary>
    public bool IsFinal => OutboundRefusedException.IsCauseOf(InnerException);
}

/// <summary>An answer of the IdP.</summary>
/// <param name="Json">Undefined when the body is not JSON.</param>
internal readonly record struct IdpAnswer(int Status, JsonElement Json)
{
    /// <summary>
    /// An error code (RFC 6749 section 5.2) is a word; what is longer is no code and stands in no log or page.
    /// </summary>
    public const int MaxErrorChars = 100;

    /// <summary>The code of RFC 6749 section 5.2; null when there is none.</summary>
    public string? OAuthError => Text("error") is { Length: <= MaxErrorChars } code ? code : null;

    public string? Text(string name) => Json.Text(name);
}

/// <summary>Requests to the IdP: bounded in time and size, JSON in the answer.</summary>
internal sealed class IdpHttp(HttpMessageInvoker client, TimeProvider clock) : IDisposable
{
    private const int MaxAnswerBytes = 4 * 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// To a directory of groups, with connections of its own: its certificates are public ones, whatever
    /// oidc.ca_cert_pem says.
    /// </summary>
    public static IdpHttp ToDirectory(OidcConfig oidc, OutboundHttp outbound, TimeProvider clock)
    {
        var options = new OutboundOptions
        {
            UseProxy = oidc.UseProxy == true,
            Decompression = System.Net.DecompressionMethods.All,
        };
        return new IdpHttp(outbound.CreateClient(options), clock);
    }

    /// <summary>
    /// Asks once more when the connection failed: a blip of the network must not cost a sign-in. Silence is not asked
    /// again.
    /// </summary>
    /// <param name="repeatedMembers">What an answer is that names one member of an object twice: no JSON, unless it
    /// may.</param>
    /// <exception cref="IdentityProviderUnavailableException">No answer in time, or none that can be read.</exception>
    public async Task<IdpAnswer> GetAsync(
        Uri url,
        string? bearer = null,
        RepeatedMembers repeatedMembers = RepeatedMembers.Refused,
        CancellationToken cancellation = default)
    {
        try
        {
            return await GetOnceAsync(url, bearer, repeatedMembers, cancellation);
        }
        catch (IdentityProviderUnavailableException e)
            when (!e.IsFinal && e.InnerException is not OperationCanceledException)
        {
            await Task.Delay(RetryPause, clock, cancellation);
            return await GetOnceAsync(url, bearer, repeatedMembers, cancellation);
        }
    }

    /// <exception cref="IdentityProviderUnavailableException">No answer in time, or none that can be read.</exception>
    public async Task<IdpAnswer> PostFormAsync(
        Uri url, IEnumerable<KeyValuePair<string, string>> fields, AuthenticationHeaderValue? authorization = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new FormUrlEncodedContent(fields),
        };
        request.Headers.Authorization = authorization;
        return await SendAsync(request, RepeatedMembers.Refused, CancellationToken.None);
    }

    public void Dispose() => client.Dispose();

    private async Task<IdpAnswer> GetOnceAsync(
        Uri url, string? bearer, RepeatedMembers repeatedMembers, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (bearer is not null)
        {
            // What the IdP calls an access token may be no header value at all.
            if (bearer.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                throw new IdentityProviderUnavailableException(
                    $"GET {Place(request)}: the access token for it cannot be sent in a header");
            }

            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        return await SendAsync(request, repeatedMembers, cancellation);
    }

    private async Task<IdpAnswer> SendAsync(
        HttpRequestMessage request, RepeatedMembers repeatedMembers, CancellationToken cancellation)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaTypeNames.Application.Json));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("claude-gateway", null));
        using var deadline = new Deadline(Timeout, clock, cancellation);
        // Host alone: a query may hold what identifies somebody.
        using var span = Activity.Current?.Source.StartActivity($"{request.Method} idp", ActivityKind.Client);
        span?.SetTag("server.address", request.RequestUri!.Host);
        try
        {
            using var response = await client.SendAsync(request, deadline.Token);
            span?.SetTag("http.response.status_code", (int)response.StatusCode);
            var body = await ReadAsync(response, deadline.Token);
            return new IdpAnswer((int)response.StatusCode, Parse(body, repeatedMembers));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException e) when (deadline.IsOver)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            throw new IdentityProviderUnavailableException(
                $"{request.Method} {Place(request)}: no answer within {Timeout.TotalSeconds:0} s", e);
        }
#pragma warning disable CA1031 // Decoders throw what they like at broken bytes; such an answer is the IdP's failure.
        catch (Exception e)
#pragma warning restore CA1031
        {
            span?.SetStatus(ActivityStatusCode.Error);
            throw new IdentityProviderUnavailableException($"{request.Method} {Place(request)}: {Cause(e)}", e);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var body = new ArrayBufferWriter<byte>(16 * 1024);
        int read;
        while ((read = await stream.ReadAsync(body.GetMemory(16 * 1024), cancellation)) > 0)
        {
            body.Advance(read);
            if (body.WrittenCount > MaxAnswerBytes)
            {
                throw new IOException($"the answer is larger than {MaxAnswerBytes} bytes");
            }
        }

        return body.WrittenMemory;
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> body, RepeatedMembers repeatedMembers)
    {
        using var json = StrictJson.Parse(body, repeatedMembers);
        return json?.RootElement.Clone() ?? default;
    }

    private static string Place(HttpRequestMessage request) => request.RequestUri!.GetLeftPart(UriPartial.Path);

    /// <summary>
    /// The innermost message says it best: "connect ConnectionRefused host:port", "The remote certificate is invalid…".
    /// </summary>
    private static string Cause(Exception exception) =>
        exception is HttpRequestException
        {
            HttpRequestError: HttpRequestError.SecureConnectionError,
            InnerException: { } tls
        } ? tls.Message : exception.Message;
}
