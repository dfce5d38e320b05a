using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ClaudeGateway.Testing;

/// <summary>
/// Verifies a signature as the receiving service does, from what was sent. Written from AWS's description and sharing
/// nothing with the signer, so that one mistake cannot be in both.
/// </summary>
internal sealed partial record SigV4Check(bool Valid, string Credential, string[] SignedHeaders)
{
    public static SigV4Check Of(HttpRequestMessage request, byte[] body, string secret)
    {
        var uri = request.RequestUri!;
        var headers = request.Headers.Concat(request.Content!.Headers)
            .GroupBy(h => h.Key.ToUpperInvariant(), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => string.Join(",", g.SelectMany(h => h.Value)), StringComparer.Ordinal);
        return Of(
            request.Method.Method,
            uri.PathAndQuery,
            name => headers.GetValueOrDefault(name.ToUpperInvariant(), ""),
            body,
            secret);
    }

    public static SigV4Check Of(RecordedRequest request, string secret) =>
        Of(request.Method, request.Target, name => request.Header(name) ?? "", request.Body, secret);

    public static SigV4Check Of(string method, string target, Func<string, string> header, byte[] body, string secret)
    {
        var match = Authorization().Match(header("authorization"));
        if (!match.Success)
        {
            return new SigV4Check(false, "", []);
        }

        var scope = match.Groups["scope"].Value.Split('/');
        var names = match.Groups["names"].Value.Split(';');
        var lines = new List<string> { method, PercentEncode(target.Split('?')[0]), target.Contains(
            '?', StringComparison.Ordinal) ? target.Split('?')[1] : "" };
        lines.AddRange(names.Select(name => name + ":" + Blanks().Replace(header(name).Trim(), " ")));
        lines.Add("");
        lines.Add(match.Groups["names"].Value);
        lines.Add(Hex(SHA256.HashData(body)));
        var text = string.Join(
            "\n",
            "AWS4-HMAC-SHA256",
            header("x-amz-date"),
            string.Join('/', scope[1..]),
            Hex(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join("\n", lines)))));
        var key = scope[1..].Aggregate(Encoding.UTF8.GetBytes("AWS4" + secret), Mac);
        return new SigV4Check(
            string.Equals(Hex(Mac(key, text)), match.Groups["signature"].Value, StringComparison.Ordinal)
            && header("x-amz-date").StartsWith(scope[1], StringComparison.Ordinal),
            match.Groups["scope"].Value,
            names);
    }

    private static byte[] Mac(byte[] key, string text)
    {
        using var mac = new HMACSHA256(key);
        return mac.ComputeHash(Encoding.UTF8.GetBytes(text));
    }

    private static string Hex(byte[] bytes) =>
        string.Concat(bytes.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));

    private static string PercentEncode(string path) =>
        string.Concat(
            Encoding.UTF8.GetBytes(path).Select(
                b =>
                    char.IsAsciiLetterOrDigit((char)b) || "-._~/".Contains((char)b, StringComparison.Ordinal)
                    ? ((char)b).ToString()
                    : "%" + b.ToString("X2", CultureInfo.InvariantCulture)));

    [GeneratedRegex(
        "^AWS4-HMAC-SHA256 Credential=(?<scope>[^,]+), SignedHeaders=(?<names>[^,]+), "
            + "Signature=(?<signature>[0-9a-f]{64})$")]
    private static partial Regex Authorization();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
