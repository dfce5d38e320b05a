using System.Text.RegularExpressions;
using ClaudeGateway.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Sources;

/// <summary>What kind of place a configuration is fetched from.</summary>
internal enum ConfigStore
{
    /// <summary>Any HTTPS server; what proves who asks, if anything, stands in the URL.</summary>
    Web,

    /// <summary>Amazon S3, or what speaks like it.</summary>
    S3,

    /// <summary>Google Cloud Storage.</summary>
    GoogleStorage,

    /// <summary>Azure Blob Storage, with the identity of the environment.</summary>
    AzureBlob,
}

/// <summary>
/// The URL that <c>--config</c> names: <c>https://…</c>, <c>s3://bucket/key[?region=…]</c>, <c>gs://bucket/object</c>.
/// A query may be a secret (a signed URL, a SAS): only <see cref="Address"/> has it. Not a record: its text would hold
/// it.
/// </summary>
internal sealed partial class ConfigUrl
{
    private const string Forms =
        "expected the path of a file, https://host/path, s3://bucket/key, gs://bucket/object or "
            + "https://ACCOUNT.blob.core.windows.net/container/blob";

    private ConfigUrl(ConfigStore store, string name)
    {
        Store = store;
        Name = name;
    }

    public ConfigStore Store { get; }

    /// <summary>How messages and audit events name it: without its query.</summary>
    public string Name { get; }

    /// <summary>What is asked, query included; null for S3 and Google Storage, whose address their settings
    /// decide.</summary>
    public Uri? Address { get; private init; }

    /// <summary>Of S3 and Google Storage, else empty.</summary>
    public string Bucket { get; private init; } = "";

    /// <summary>Of S3 and Google Storage as they name it, without any encoding; else empty.</summary>
    public string Key { get; private init; } = "";

    /// <summary>What the URL says itself; of S3 alone.</summary>
    public string? Region { get; private init; }

    /// <summary>Whether a value of <c>--config</c> is meant as a URL and not as a path.</summary>
    public static bool IsUrl(string config) => Scheme().IsMatch(config);

    /// <exception cref="OperatorException">It is no URL that a configuration can be fetched from.</exception>
    public static ConfigUrl Read(string config)
    {
        var scheme = Scheme().Match(config).Groups[1].Value;
        var rest = config[(scheme.Length + "://".Length)..];
        return scheme.ToUpperInvariant() switch
        {
            "S3" => ReadS3(rest),
            "GS" => ReadGoogleStorage(rest),
            "HTTPS" or "HTTP" => ReadWeb(config),
            _ => throw new OperatorException($"--config: {scheme}:// is not known: {Forms}"),
        };
    }

    /// <summary>Whether the gateway may ask there: what is not encrypted must not leave this machine.</summary>
    public static bool IsSafe(Uri address) => address.Scheme == Uri.UriSchemeHttps
        || (address.Scheme == Uri.UriSchemeHttp && AddressRules.IsLoopbackHost(address.IdnHost));

    public override string ToString() => Name;

    private static ConfigUrl ReadS3(string rest)
    {
        var query = rest.LastIndexOf('?');
        var path = query < 0 ? rest : rest[..query];
        string? region = null;
        if (query >= 0)
        {
            region = RegionQuery().Match(rest[(query + 1)..]) is { Success: true } match
                ? match.Groups[1].Value
                : throw new OperatorException(
                    "--config: behind the '?' of an s3:// URL stands region=REGION alone, such as ?region=eu-west-1");
        }

        var (bucket, key) = Split("s3", path);
        return new ConfigUrl(ConfigStore.S3, $"s3://{bucket}/{key}") { Bucket = bucket, Key = key, Region = region };
    }

    private static ConfigUrl ReadGoogleStorage(string rest)
    {
        if (rest.Contains('?', StringComparison.Ordinal))
        {
            throw new OperatorException("--config: a gs:// URL has no query: expected gs://bucket/object");
        }

        var (bucket, key) = Split("gs", rest);
        return new ConfigUrl(ConfigStore.GoogleStorage, $"gs://{bucket}/{key}") { Bucket = bucket, Key = key };
    }

    private static (string Bucket, string Key) Split(string scheme, string path)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var (bucket, key) = slash < 0 ? (path, "") : (path[..slash], path[(slash + 1)..]);
        if (!BucketName().IsMatch(bucket) || key.Length == 0 || key.Any(char.IsControl))
        {
            throw new OperatorException($"--config: expected {scheme}://bucket/key");
        }

        // An HTTP client takes such segments out of the address, and asks for something else.
        return key.Split('/').Any(segment => segment is "." or "..")
            ? throw new OperatorException(
                $"--config: the key of {scheme}://{bucket} must not have '.' or '..' in its path")
            : (bucket, key);
    }

    private static ConfigUrl ReadWeb(string config)
    {
        if (!Uri.TryCreate(config, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            throw new OperatorException($"--config: the URL cannot be read: {Forms}");
        }

        var name = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        if (uri.UserInfo.Length > 0)
        {
            throw new OperatorException(
                $"--config: {name} must not have a user or password before its host; use a signed URL, or the "
                    + "credentials of a cloud");
        }

        if (!IsSafe(uri))
        {
            throw new OperatorException(
                $"--config: {name} is not encrypted, so anybody on the way could write the policy: use https:// "
                    + "(http:// is for this machine alone)");
        }

        // With a signature in its query it needs no identity beside it.
        var isBlob = BlobHost().IsMatch(uri.IdnHost) && uri.Scheme == Uri.UriSchemeHttps
            && !uri.Query.TrimStart('?').Split('&').Any(
                part => part.StartsWith("sig=", StringComparison.OrdinalIgnoreCase));
        var store = isBlob ? ConfigStore.AzureBlob : ConfigStore.Web;
        return new ConfigUrl(store, uri.Query.Length > 1 ? name + "?…" : name) { Address = uri };
    }

    [GeneratedRegex(@"^([A-Za-z][A-Za-z0-9+.-]+)://", RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{1,221}\z", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName();

    [GeneratedRegex(@"^region=([a-z0-9]+(-[a-z0-9]+)*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegionQuery();

    /// <summary>
    /// Blob endpoints of the public cloud, its DNS zones, and the clouds of the US government and China.
    /// </summary>
    [GeneratedRegex(
        @"^[a-z0-9-]+(\.z[0-9]+)?\.blob\.(core\.windows\.net|storage\.azure\.net|core\.usgovcloudapi\.net|"
            + @"core\.chinacloudapi\.cn)\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex BlobHost();
}
