using System.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>
/// The framework's HTTP client for everybody who asks with it: whatever is wrong with an answer is an
/// <see cref="HttpRequestException"/> (of its body an <see cref="HttpIOException"/>), so that no caller takes another
/// system's fault for the gateway's own.
/// </summary>
/// <param name="decodes">Whether <paramref name="handler"/> undoes content codings.</param>
#pragma warning disable RS0030 // Here clients are made.
internal sealed class OutboundClient(HttpMessageHandler handler, bool decodes = false) : HttpMessageInvoker(handler)
#pragma warning restore RS0030
{
    /// <exception cref="HttpRequestException">There is no answer, or none that HTTP allows.</exception>
    public override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken) =>
        SendAsync(request, static answer => answer, cancellationToken);

    /// <summary>The same in what a caller makes of the answer: for the hot path, which has no await to spare.</summary>
    /// <exception cref="HttpRequestException">There is no answer, or none that HTTP allows.</exception>
    public async Task<T> SendAsync<T>(
        HttpRequestMessage request, Func<HttpResponseMessage, T> made, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken);
        }
        catch (Exception e) when (
            e is not (HttpRequestException or OperationCanceledException or IOException or ObjectDisposedException))
        {
            // The framework's parsers have words of their own for some of what they read.
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"the answer is not HTTP: {e.Message}", e);
        }

        if (!IsFramed(response))
        {
            response.Dispose();
            throw new HttpRequestException(HttpRequestError.InvalidResponse,
                "the answer's content-length is not one whole number");
        }

        if (decodes)
        {
            response.Content = new DecodedContent(response.Content);
        }

        return made(response);
    }

    /// <summary>
    /// RFC 9112 section 6.3: an answer whose length is not one number ends the connection and is no answer. The
    /// framework would read such a body to the end of the connection, whatever that is the end of. Beside chunks, and
    /// where there is no body, a length says nothing.
    /// </summary>
    private static bool IsFramed(HttpResponseMessage response)
    {
        var headers = response.Content.Headers;
        if (!headers.NonValidated.TryGetValues("Content-Length", out var lengths))
        {
            return true;
        }

        if (response.Headers.NonValidated.Contains("Transfer-Encoding")
            || response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified)
        {
            headers.Remove("Content-Length");
            return true;
        }

        var length = lengths.Count == 1 ? lengths.ToString().AsSpan() : default;
        return !length.IsEmpty && !length.ContainsAnyExceptInRange('0', '9') && long.TryParse(length, out _);
    }

    /// <summary>A body whose content coding has been undone, as far as it is in that coding.</summary>
    private sealed class DecodedContent : HttpContent
    {
        private readonly HttpContent _inner;

        public DecodedContent(HttpContent inner)
        {
            _inner = inner;
            foreach (var (name, values) in inner.Headers.NonValidated)
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        protected override Stream CreateContentReadStream(CancellationToken cancellationToken) =>
            new DecodedStream(_inner.ReadAsStream(cancellationToken));

        protected override async Task<Stream> CreateContentReadStreamAsync() =>
            new DecodedStream(await _inner.ReadAsStreamAsync());

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var body = await CreateContentReadStreamAsync();
            await body.CopyToAsync(stream);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class DecodedStream(Stream inner) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken);
            }
            catch (Exception e) when (IsBrokenCoding(e))
            {
                throw Broken(e);
            }
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                return inner.Read(buffer, offset, count);
            }
            catch (Exception e) when (IsBrokenCoding(e))
            {
                throw Broken(e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        /// <summary>Brotli's decoder has a word of its own.</summary>
        private static bool IsBrokenCoding(Exception e) =>
            e is InvalidDataException or InvalidOperationException and not ObjectDisposedException;

        private static HttpIOException Broken(Exception e) =>
            new(HttpRequestError.InvalidResponse, "the answer is not in its content coding", e);
    }
}
