using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Credentials;
using ClaudeGateway.Json;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>Reads the bodies of a cloud's answers: bounded, and decoded where a proxy on the way has encoded what nobody asked to be encoded.</summary>
internal static class CloudBody
{
    private const int MaxErrorBytes = 256 * 1024;
    private const int MaxAnswerBytes = 128 * 1024 * 1024;

    public static async Task<Stream> OpenAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellation);
        return response.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var coding) ? ContentCoding.Decode(coding.ToString(), body) : body;
    }

    /// <summary>At most 256 KiB of an error.</summary>
    /// <exception cref="UpstreamUnavailableException">It cannot be decoded.</exception>
    public static async Task<byte[]> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellation) =>
        (await ReadAsync(response, MaxErrorBytes, cancellation)).WrittenSpan.ToArray();

    /// <summary>A whole answer.</summary>
    /// <exception cref="UpstreamUnavailableException">It is not a JSON object, or longer than 128 MiB.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadJsonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var json = await ReadAsync(response, MaxAnswerBytes, cancellation);
        return IsObject(json.WrittenSpan) ? json.WrittenMemory : throw new UpstreamUnavailableException("the answer is not JSON");
    }

    /// <summary>What is longer than <paramref name="limit"/> is cut off there.</summary>
    private static async Task<ArrayBufferWriter<byte>> ReadAsync(HttpResponseMessage response, int limit, CancellationToken cancellation)
    {
        try
        {
            await using var stream = await OpenAsync(response, cancellation);
            var text = new ArrayBufferWriter<byte>(4 * 1024);
            int read;
            while (text.WrittenCount < limit && (read = await stream.ReadAsync(text.GetMemory(4 * 1024), cancellation)) > 0)
            {
                text.Advance(read);
            }

            return text;
        }
        catch (Exception e) when (ContentCoding.IsBroken(e))
        {
            throw new UpstreamUnavailableException($"the answer's content coding is broken: {e.Message}", e);
        }
    }

    private static bool IsObject(ReadOnlySpan<byte> json)
    {
        try
        {
            var members = new TopLevelMembers(json);
            while (members.MoveNext())
            {
                members.ReadValue();
            }

            return members.IsObject;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
