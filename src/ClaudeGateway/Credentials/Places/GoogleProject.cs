using System.Text.RegularExpressions;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Places;

/// <summary>
/// The Google Cloud project as Google's libraries find it: environment, Application Default Credentials, metadata
/// server.
/// </summary>
internal sealed partial class GoogleProject(ProcessEnvironment environment) : PlaceQuestion
{
    public override string What => "Google Cloud project";

    public override string Variable => "GOOGLE_CLOUD_PROJECT";

    protected override IReadOnlyList<PlaceSource> Here
    {
        get
        {
            var file = GoogleTokens.DefaultFile(environment);
            return
            [
                new("GOOGLE_CLOUD_PROJECT", "not set", () => environment["GOOGLE_CLOUD_PROJECT"]),
                new(
                    file is null ? "Application Default Credentials" : $"the Application Default Credentials {file}",
                    file is null ? "no file" : "has neither project_id nor quota_project_id",
                    () => file is null ? null : GoogleTokens.ProjectOf(file)),
            ];
        }
    }

    protected override string Platform => "Google's metadata server";

    protected override async Task<string?> AskPlatformAsync(CredentialHttp http, CancellationToken cancellation) =>
        await GoogleMetadata.AskAsync("project/project-id", environment, http, cancellation);

    protected override bool IsSound(string place) => Form().IsMatch(place);

    /// <summary>With the domain that older projects have before a colon.</summary>
    [GeneratedRegex(@"^[a-z0-9.:-]{1,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
