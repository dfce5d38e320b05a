using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// Signs requests with AWS Signature Version 4, one instance per region and service. Every header the request has at
/// that moment is signed but those a proxy on the way may change.
/// </summary>
internal sealed class SigV4Signer(string region, string service)
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    private static readonly HashSet<string> Unsigned = new(StringComparer.OrdinalIgnoreCase)
    {
        "authorization", "user-agent", "accept-encoding", "connection", "expect", "transfer-encoding",
        "x-amzn-trace-id",
    };

    // Written by whoever derives a newer key; a race only derives it twice.
    private SigningKey? _key;

    /// <summary>Adds host, x-amz-date, x-amz-content-sha256, x-amz-security-token and authorization.</summary>
    /// <param name="body">The bytes of the request's content, in pieces.</param>
    public void Sign(
        HttpRequestMessage request,
        ReadOnlySpan<ReadOnlyMemory<byte>> body,
        AwsCredentials credentials,
        DateTimeOffset now)
    {
        var uri = request.RequestUri!;
        var time = Timestamp(now);
        var bodyHash = HexHash(body);
        request.Headers.Host = uri.IsDefaultPort ? uri.IdnHost : $"{uri.IdnHost}:{uri.Port}";
        Set(request, "x-amz-date", time);
        Set(request, "x-amz-content-sha256", bodyHash);
        if (credentials.SessionToken is { } token)
        {
            Set(request, "x-amz-security-token", token);
        }

        var authorization = Authorization(
            request.Method.Method, uri.AbsolutePath, uri.Query.TrimStart('?'), SignedHeaders(request), bodyHash, time,
            credentials);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
    }

    /// <summary>The Authorization header of a request described by its parts.</summary>
    /// <param name="path">As it is sent; every service but S3 signs it encoded once more.</param>
    /// <param name="query">As it is sent, without the question mark.</param>
    /// <param name="headers">By lower-case name; repeated ones joined with a comma.</param>
    /// <param name="bodyHash">Lower-case hexadecimal SHA-256.</param>
    /// <param name="time">yyyyMMddTHHmmssZ.</param>
    public string Authorization(
        string method,
        string path,
        string query,
        SortedDictionary<string, string> headers,
        string bodyHash,
        string time,
        AwsCredentials credentials)
    {
        var signature = Signature(method, path, query, headers, bodyHash, time, credentials);
        return $"{Algorithm} Credential={credentials.AccessKeyId}/{Scope(time)}, "
            + $"SignedHeaders={string.Join(';', headers.Keys)}, Signature={signature}";
    }

    /// <summary>What a signature made at this time is good for.</summary>
    public string Scope(string time) => $"{time[..8]}/{region}/{service}/aws4_request";

    /// <summary>The signature alone, for a request that carries it in its query; the parameters are those of
    /// <see cref="Authorization"/>.</summary>
    public string Signature(
        string method,
        string path,
        string query,
        SortedDictionary<string, string> headers,
        string bodyHash,
        string time,
        AwsCredentials credentials)
    {
        var names = string.Join(';', headers.Keys);
        var canonical = new StringBuilder(1024)
            .Append(method).Append('\n')
            .Append(service is "s3" ? path : Encode(path, keepSlash: true)).Append('\n')
            .Append(CanonicalQuery(query)).Append('\n');
        foreach (var (name, value) in headers)
        {
            canonical.Append(name).Append(':').Append(CollapseBlanks(value)).Append('\n');
        }

        canonical.Append('\n').Append(names).Append('\n').Append(bodyHash);
        var toSign = $"{Algorithm}\n{time}\n{Scope(time)}\n{HexHash(Encoding.UTF8.GetBytes(canonical.ToString()))}";
        return Convert.ToHexStringLower(
            HMACSHA256.HashData(KeyFor(credentials, time[..8]), Encoding.UTF8.GetBytes(toSign)));
    }

    public static string Timestamp(DateTimeOffset now) =>
        now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    public static string HexHash(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return Convert.ToHexStringLower(hash);
    }

    private static string HexHash(ReadOnlySpan<ReadOnlyMemory<byte>> pieces)
    {
        if (pieces.Length == 1)
        {
            return HexHash(pieces[0].Span);
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var piece in pieces)
        {
            hash.AppendData(piece.Span);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }

    private static SortedDictionary<string, string> SignedHeaders(HttpRequestMessage request)
    {
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (!Unsigned.Contains(name))
            {
                signed[Lower(name)] = string.Join(',', values);
            }
        }

        if (request.Content?.Headers.NonValidated.TryGetValues("Content-Type", out var contentType) == true)
        {
            signed["content-type"] = string.Join(',', contentType);
        }

        return signed;
    }

    /// <summary>Four HMACs a day and credential instead of four a request.</summary>
    private byte[] KeyFor(AwsCredentials credentials, string day)
    {
        var key = _key;
        if (key is not null && ReferenceEquals(key.Credentials, credentials)
            && string.Equals(key.Day, day, StringComparison.Ordinal))
        {
            return key.Bytes;
        }

        var derived = Encoding.UTF8.GetBytes("AWS4" + credentials.SecretAccessKey);
        foreach (var part in (ReadOnlySpan<string>)[day, region, service, "aws4_request"])
        {
            derived = HMACSHA256.HashData(derived, Encoding.UTF8.GetBytes(part));
        }

        _key = new SigningKey(credentials, day, derived);
        return derived;
    }

    /// <summary>RFC 3986 encoding of everything but the unreserved characters.</summary>
    private static string Encode(string text, bool keepSlash)
    {
        var encoded = Uri.EscapeDataString(text);
        return keepSlash ? encoded.Replace("%2F", "/", StringComparison.Ordinal) : encoded;
    }

    private static string CanonicalQuery(string query)
    {
        if (query.Length == 0)
        {
            return "";
        }

        var pairs = query.Split('&').Select(pair => pair.Split('=', 2))
            .Select(pair => (Name: Reencode(pair[0]), Value: pair.Length > 1 ? Reencode(pair[1]) : ""));
        return string.Join(
            '&',
            pairs.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Value, StringComparer.Ordinal)
            .Select(p => $"{p.Name}={p.Value}"));
    }

    private static string Reencode(string part) => Encode(Uri.UnescapeDataString(part), keepSlash: false);

    private static string CollapseBlanks(string value)
    {
        var trimmed = value.Trim();
        return trimmed.Contains("  ", StringComparison.Ordinal) || trimmed.AsSpan().ContainsAny('\t', '\n', '\r')
            ? string.Join(' ', trimmed.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            : trimmed;
    }

    private static string Lower(string name)
    {
#pragma warning disable CA1308 // SigV4 asks for lower case.
        return name.ToLowerInvariant();
#pragma warning restore CA1308
    }

    private sealed record SigningKey(AwsCredentials Credentials, string Day, byte[] Bytes);
}
