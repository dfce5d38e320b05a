using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Credentials;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Reads the bodies of a cloud's answers: bounded, and decoded where a proxy on the way has encoded what nobody asked
/// to be encoded.
/// </summary>
internal static class CloudBody
{
    private const int MaxErrorBytes = 256 * 1024;
    private const int MaxAnswerBytes = 128 * 1024 * 1024;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    public static async Task<Stream> OpenAsync(HttpResponseMessage response, CancellationToken cancellation) =>
        Decoded(response, await response.Content.ReadAsStreamAsync(cancellation));

    /// <summary>At most 256 KiB of an error.</summary>
    /// <exception cref="UpstreamUnavailableException">It cannot be decoded.</exception>
    /// <exception cref="IOException">It broke off or stayed silent.</exception>
    public static async Task<byte[]> ReadErrorAsync(
        HttpResponseMessage response, BodyWatch watch, CancellationToken cancellation) =>
        (await ReadAsync(response, watch, MaxErrorBytes, cancellation)).ToArray();

    /// <summary>A whole answer, in the blocks in which it came.</summary>
    /// <exception cref="UpstreamUnavailableException">It is not a JSON object, or longer than 128 MiB.</exception>
    /// <exception cref="IOException">It broke off or stayed silent.</exception>
    public static async Task<ReadOnlySequence<byte>> ReadJsonAsync(
        HttpResponseMessage response, BodyWatch watch, CancellationToken cancellation)
    {
        var json = await ReadAsync(response, watch, MaxAnswerBytes, cancellation);
        if (json.Length > SocketThreads.MaxInlineBytes)
        {
            await SocketThreads.LeaveAsync();
        }

        return IsObject(json) ? json
            : throw new UpstreamUnavailableException("the answer is not JSON") { Fault = UpstreamFault.UnusableAnswer };
    }

    private static Stream Decoded(HttpResponseMessage response, Stream body) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding)
            ? ContentCoding.Decode(coding.ToString(), body)
            : body;

    /// <summary>What is longer than <paramref name="limit"/> is cut off there.</summary>
    private static async Task<ReadOnlySequence<byte>> ReadAsync(
        HttpResponseMessage response, BodyWatch watch, int limit, CancellationToken cancellation)
    {
        try
        {
            var body = await response.Content.ReadAsStreamAsync(cancellation);
            await using var stream = Decoded(response, new IdleStream(body, watch, cancellation));
            var blocks = new GrowingBlocks();
            int read;
            while (blocks.Length < limit && (read = await stream.ReadAsync(blocks.Free, cancellation)) > 0)
            {
                blocks.Advance(read);
            }

            return blocks.Written;
        }
        catch (Exception e) when (ContentCoding.IsBroken(e))
        {
            throw new UpstreamUnavailableException($"the answer's content coding is broken: {e.Message}", e)
            {
                Fault = UpstreamFault.UnusableAnswer,
            };
        }
    }

    private static bool IsObject(in ReadOnlySequence<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, Options);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
