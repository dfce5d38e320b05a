using System.Text.RegularExpressions;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Places;

/// <summary>The AWS region in the order of the AWS SDKs: environment, profile, instance.</summary>
internal sealed partial class AwsRegion(ProcessEnvironment environment) : PlaceQuestion
{
    public override string What => "AWS region";

    public override string Variable => "AWS_REGION";

    protected override IReadOnlyList<PlaceSource> Here =>
    [
        new("AWS_REGION", "not set", () => environment["AWS_REGION"]),
        new("AWS_DEFAULT_REGION", "not set", () => environment["AWS_DEFAULT_REGION"]),
        new(
            $"profile '{AwsProfile.Name(environment)}' of the shared AWS files",
            "has no region",
            () => AwsProfile.Region(environment)),
    ];

    protected override string Platform => "the EC2 instance metadata service";

    protected override async Task<string?> AskPlatformAsync(CredentialHttp http, CancellationToken cancellation)
    {
        var metadata = new InstanceMetadata(environment, http);
        return metadata.IsDisabled
            ? null
            : await metadata.AskAsync(read => read("meta-data/placement/region"), cancellation);
    }

    protected override bool IsSound(string place) => Form().IsMatch(place);

    [GeneratedRegex(@"^[a-z0-9-]{1,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
