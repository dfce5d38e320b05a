using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Google;

/// <summary>The metadata server of Google's machines.</summary>
internal static class GoogleMetadata
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Its host and port, as GCE_METADATA_HOST or GCE_METADATA_IP have it.</summary>
    public static string Host(ProcessEnvironment environment) =>
        environment["GCE_METADATA_HOST"] is { Length: > 0 } configured
        ? configured : environment["GCE_METADATA_IP"] is { Length: > 0 } ip ? ip
        : "169.254.169.254";

    /// <summary>One value, within three seconds.</summary>
    /// <param name="path">Below <c>computeMetadata/v1/</c>.</param>
    /// <exception cref="UpstreamUnavailableException">It refused or did not answer.</exception>
    public static async Task<string> AskAsync(
        string path, ProcessEnvironment environment, CredentialHttp http, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Timeout, http.Clock);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"http://{Host(environment)}/computeMetadata/v1/{path}");
        request.Headers.TryAddWithoutValidation("Metadata-Flavor", "Google");
        try
        {
            return await http.AskPlatformAsync(request, timeout.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new UpstreamUnavailableException("it did not answer", e);
        }
    }
}
