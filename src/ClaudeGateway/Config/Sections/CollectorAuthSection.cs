using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>telemetry.forward_to[].auth</c>: the cloud whose credentials the collector takes.</summary>
internal static partial class CollectorAuthSection
{
    private const string GoogleDomain = ".googleapis.com";
    private const string NeedsBoth = "aws needs region and service: the host is not service.region.amazonaws.com";

    private static readonly Key<string> ServiceAccountJson = new(
        "service_account_json",
        FileThatShouldExist(),
        "Service account key file; Application Default Credentials when absent.")
    {
        Example = "/etc/gateway/google.json",
    };

    private static readonly Key<CollectorAuth> Google = new(
        "google",
        Object<CollectorAuth>([ServiceAccountJson], fields => new CollectorAuth.Google(fields.Get(ServiceAccountJson))),
        "Google credentials for `*.googleapis.com`.")
    {
        Required = "required: one of `google`, `aws`",
    };

    private static readonly Key<string> Region = new(
        "region", Text(), "AWS region; taken from the URL's host when it is `service.region.amazonaws.com`.")
    {
        Example = "eu-central-1",
    };

    private static readonly Key<string> Service = new(
        "service",
        Text(),
        "Service name of the signature, e.g. `xray`, `logs`, `aps`; taken from the host as `region` is.")
    {
        Example = "xray",
    };

    private static readonly Key<CollectorAuth> Aws = new(
        "aws",
        Object<CollectorAuth>(
            [Region, Service], fields => new CollectorAuth.Aws(fields.Get(Region), fields.Get(Service))),
        "AWS credentials of the default chain, as a Signature Version 4. Our own key.")
    {
        Example = "{}",
    };

    public static readonly Shape<CollectorAuth> Shape = Object(
        [Google, Aws], fields => fields.Get(Google) ?? fields.Get(Aws), fields =>
    {
        if (!fields.IsGiven(Google) && !fields.IsGiven(Aws))
        {
            fields.Require(Google, "(or `aws`)");
        }
        else if (fields.IsGiven(Google) && fields.IsGiven(Aws))
        {
            fields.Problem(Aws, "cannot stand beside google: a collector takes one cloud's credentials");
        }
    });

    /// <summary>What is wrong with these credentials for a collector at this address; null when nothing is.</summary>
    public static string? Problem(CollectorAuth auth, Uri url) => auth switch
    {
        CollectorAuth.Google when !IsGoogle(url) => $"google is only for collectors on *{GoogleDomain}",
        CollectorAuth.Aws aws when Complete(aws, url) is null => NeedsBoth,
        _ => null,
    };

    /// <summary>
    /// Fills in what the host says: region and service of <c>SERVICE.REGION.amazonaws.com</c>. Null when something is
    /// still missing.
    /// </summary>
    public static CollectorAuth.Aws? Complete(CollectorAuth.Aws aws, Uri url)
    {
        var host = AwsHost().Match(url.IdnHost);
        var region = aws.Region ?? (host.Success ? host.Groups["region"].Value : null);
        var service = aws.Service ?? (host.Success ? host.Groups["service"].Value : null);
        return region is null || service is null ? null : new CollectorAuth.Aws(region, service);
    }

    private static bool IsGoogle(Uri url) =>
        url.Scheme == Uri.UriSchemeHttps
        && ("." + url.IdnHost).EndsWith(GoogleDomain, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(
        @"^(?<service>[a-z0-9-]+)\.(?<region>[a-z]{2}(-[a-z]+)+-\d+)\.amazonaws\.com(\.cn)?\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex AwsHost();
}
