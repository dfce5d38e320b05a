using ClaudeGateway.Config;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Places;

/// <summary>
/// Completes upstreams whose configuration names no region or project, which only a gateway started from variables
/// alone may have. Upstreams that name theirs are left as they are, and nobody is asked.
/// </summary>
/// <param name="Upstreams">In the same order.</param>
/// <param name="Notes">One line for each place that was found, or was not yet.</param>
internal sealed record UpstreamPlaces(IReadOnlyList<UpstreamConfig> Upstreams, IReadOnlyList<string> Notes)
{
    /// <summary>Stands for a place that is not known yet where nothing is sent anywhere.</summary>
    private const string Unknown = "unknown";

    /// <summary>With the help of the platform, within seconds.</summary>
    /// <exception cref="OperatorException">A place cannot be found; says where it was looked for.</exception>
    public static async Task<UpstreamPlaces> FindAsync(
        IReadOnlyList<UpstreamConfig> upstreams,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        CancellationToken cancellation)
    {
        var places = new List<UpstreamConfig>();
        var notes = new List<string>();
        CredentialHttp? http = null;
        for (var i = 0; i < upstreams.Count; i++)
        {
            var upstream = upstreams[i];
            if (Missing(upstream, environment) is var (question, key))
            {
                http ??= new CredentialHttp(outbound, clock);
                var found = await question.FindAsync($"upstreams[{i}].{key}", http, cancellation);
                notes.Add($"upstream '{upstream.Name}': {question.What} {found.Value}, from {found.Source}");
                upstream = With(upstream, found.Value);
            }

            places.Add(upstream);
        }

        return new UpstreamPlaces(places, notes);
    }

    /// <summary>
    /// Without a connection, for commands that touch no service; what only the platform knows stays unknown.
    /// </summary>
    public static UpstreamPlaces FindHere(IReadOnlyList<UpstreamConfig> upstreams, ProcessEnvironment environment)
    {
        var places = new List<UpstreamConfig>();
        var notes = new List<string>();
        foreach (var upstream in upstreams)
        {
            if (Missing(upstream, environment) is not var (question, _))
            {
                places.Add(upstream);
                continue;
            }

            var found = question.FindHere();
            places.Add(With(upstream, found?.Value ?? Unknown));
            if (found is null)
            {
                notes.Add(
                    $"upstream '{upstream.Name}': the {question.What} is not set here; the cloud's metadata service is "
                        + $"asked for it when the gateway starts. Set {question.Variable} where there is none");
            }
        }

        return new UpstreamPlaces(places, notes);
    }

    private static (PlaceQuestion Question, string Key)? Missing(
        UpstreamConfig upstream, ProcessEnvironment environment) => upstream switch
        {
            BedrockUpstreamConfig { Region: "" } or MantleUpstreamConfig { Region: "" }
                or ClaudePlatformAwsUpstreamConfig { Region: "" } => (new AwsRegion(environment), "region"),
            VertexUpstreamConfig { ProjectId: "" } or ClaudeOnGoogleCloudUpstreamConfig { ProjectId: "" } =>
                (new GoogleProject(environment), "project_id"),
            _ => null,
        };

    private static UpstreamConfig With(UpstreamConfig upstream, string place) => upstream switch
    {
        BedrockUpstreamConfig bedrock => bedrock with { Region = place },
        MantleUpstreamConfig mantle => mantle with { Region = place },
        ClaudePlatformAwsUpstreamConfig platform => platform with { Region = place },
        VertexUpstreamConfig vertex => vertex with { ProjectId = place },
        ClaudeOnGoogleCloudUpstreamConfig google => google with { ProjectId = place },
        _ => upstream,
    };
}
