using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using ClaudeGateway.Net;

namespace ClaudeGateway.Config.Shapes;

/// <summary>The vocabulary in which the sections are written.</summary>
internal static partial class Values
{
    /// <summary>A non-empty string.</summary>
    public static Shape<string> Text(int minLength = 1, int maxLength = int.MaxValue) =>
        new TextShape(minLength, maxLength, isSecret: false);

    public static Shape<Secret> SecretText(int minLength = 1) =>
        new TextShape(minLength, int.MaxValue, isSecret: true).As(text => new Secret(text));

    public static Shape<bool> Flag() => new FlagShape();

    public static Shape<int> Integer(int min, int max = int.MaxValue,
        NumberSpelling spelling = NumberSpelling.Coerced) =>
        new NumberShape(true, min, max == int.MaxValue ? double.PositiveInfinity : max, false, spelling)
            .As(number => (int)Math.Min(number, int.MaxValue));

    public static Shape<long> LongInteger(long min, long max) =>
        new NumberShape(true, min, max, false).As(number => (long)number);

    /// <summary>A number above <paramref name="above"/> and at most <paramref name="max"/>.</summary>
    public static Shape<double> Number(double above, double max = double.PositiveInfinity) =>
        new NumberShape(false, above, max, true);

    public static Shape<double> NumberFrom(double min, double max, NumberSpelling spelling) =>
        new NumberShape(false, min, max, false, spelling);

    public static Shape<T> Choice<T>(params (string Word, T Value)[] choices) => new ChoiceShape<T>(choices);

    public static Shape<IReadOnlyList<T>> ListOf<T>(Shape<T> item, int minCount = 0) =>
        new ListShape<T>(item, minCount);

    public static Shape<IReadOnlyList<T>> OneOrMany<T>(Shape<T> item) => new OneOrManyShape<T>(item);

    public static Shape<IReadOnlyDictionary<string, T>> MapOf<T>(
        Shape<T> item, Action<Yaml.ConfigEntry, ConfigReading>? checkEntry = null) =>
        new MapShape<T>(item, checkEntry);

    public static RecordShape<T> Object<T>(IReadOnlyList<Key> keys, Func<Fields, T> build,
        Action<Fields>? check = null) => new(keys, build, check);

    /// <summary>An absolute http or https URL that does not lead to a cloud metadata service.</summary>
    public static Shape<Uri> HttpUrl() =>
        Text(0).Named("http(s) URL").Must(HttpUrlProblem).As(text => new Uri(text.Trim()));

    /// <summary>
    /// Why the text is no usable http(s) URL; null when it is. Never repeats the text: it may hold credentials.
    /// </summary>
    public static string? HttpUrlProblem(string text)
    {
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Host.Length == 0)
        {
            return "must be an absolute URL such as https://host.example";
        }

        if (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp)
        {
            return $"must begin with https:// or http://, not {url.Scheme}:";
        }

        return AddressRules.RefusesHost(url) is { } reason
            ? $"host {url.IdnHost} {reason}, which the gateway never connects to"
            : null;
    }

    /// <summary>An address or CIDR block; host bits are dropped.</summary>
    public static Shape<IPNetwork> Cidr() => Text(0).Named("IP address or CIDR block")
        .Must(
            text =>
                TryParseCidr(text, out _) ? null : "must be an IP address or CIDR block such as 10.0.0.0/8 or fd00::/8")
        .As(text => TryParseCidr(text, out var network) ? network : default);

    /// <summary>A value sent as a header of its own: printable ASCII without blanks.</summary>
    public static Shape<string> HeaderWord() => Text()
        .Must(
            text =>
                text.All(c => c is > ' ' and <= '~')
                ? null
                : "must be a valid header value: printable ASCII without blanks");

    public static Shape<string> Email() => Text().Named("e-mail address")
        .Must(text => EmailForm().IsMatch(text) ? null : "must be an e-mail address such as admin@example.com");

    /// <summary>A file that need not exist yet; a missing one is warned about.</summary>
    public static Shape<string> FileThatShouldExist(bool mayBeEmpty = false) =>
        Text(mayBeEmpty ? 0 : 1).Named("file path").Checked((path, node, reading) =>
    {
        if (path.Length == 0)
        {
            reading.Warn(node, "is empty and ignored");
        }
        else if (!File.Exists(path))
        {
            reading.Warn(node, $"file {path} does not exist (yet)");
        }
    });

    public static Shape<string> ExistingFile() => Text().Named("file path")
        .Must(
            path =>
                File.Exists(path)
                ? null : Directory.Exists(path) ? $"{path} is a directory, not a file"
                : $"file {path} does not exist");

    public static bool TryParseCidr(string text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = slash < 0 ? text : text[..slash];
        var zone = address.IndexOf('%', StringComparison.Ordinal);
        address = zone < 0 ? address : address[..zone];
        if (!IsPlainAddress(address) || !IPAddress.TryParse(address, out var ip))
        {
            return false;
        }

        var bits = ip.GetAddressBytes().Length * 8;
        var prefix = bits;
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix)
                || prefix > bits))
        {
            return false;
        }

        if (ip.IsIPv4MappedToIPv6 && prefix >= 96)
        {
            // Clients are compared as the IPv4 addresses they are.
            (ip, prefix) = (ip.MapToIPv4(), prefix - 96);
        }

        network = new IPNetwork(Mask(ip, prefix), prefix);
        return true;
    }

    /// <summary>010.0.0.1 and 0x7f.1 mean different addresses to different readers.</summary>
    private static bool IsPlainAddress(string address) => address.Contains(':', StringComparison.Ordinal)
        ? !address.StartsWith('[')
        : address.Split('.') is { Length: 4 } parts
        && Array.TrueForAll(parts, part => part is "0"
            || (part.Length is > 0 and <= 3 && part[0] is >= '1' and <= '9'));

    [GeneratedRegex(
        @"^(?!\.)(?!.*\.\.)[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex EmailForm();

    private static IPAddress Mask(IPAddress address, int prefix)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
