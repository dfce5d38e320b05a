using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// The metadata service of EC2 instances (IMDSv2). Not through the AWS SDK, which would reach it past our transport and
/// environment.
/// </summary>
internal sealed class InstanceMetadata(ProcessEnvironment environment, CredentialHttp http)
{
    private const string Session = "X-aws-ec2-metadata-token";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>AWS_EC2_METADATA_DISABLED: nobody may ask.</summary>
    public bool IsDisabled =>
        string.Equals(environment["AWS_EC2_METADATA_DISABLED"], "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Asks in one session, which with all its questions lasts three seconds at most.</summary>
    /// <param name="ask">Is given what reads one path below <c>latest/</c>.</param>
    /// <exception cref="UpstreamUnavailableException">It refused or did not answer.</exception>
    public async Task<T> AskAsync<T>(Func<Func<string, Task<string>>, Task<T>> ask, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Timeout, http.Clock);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            var token = await SendAsync(
                HttpMethod.Put, "api/token", (Session + "-ttl-seconds", "21600"), timeout.Token);
            return await ask(path => SendAsync(HttpMethod.Get, path, (Session, token), timeout.Token));
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new UpstreamUnavailableException("the EC2 instance metadata service did not answer", e)
            {
                Fault = UpstreamFault.SilentInstance,
            };
        }
    }

    private async Task<string> SendAsync(
        HttpMethod method, string path, (string Name, string Value) header, CancellationToken cancellation)
    {
        var endpoint = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] is { Length: > 0 } configured ? configured
            : string.Equals(
                environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"],
                "IPv6",
                StringComparison.OrdinalIgnoreCase) ? "http://[fd00:ec2::254]"
            : "http://169.254.169.254";
        using var request = new HttpRequestMessage(method, $"{endpoint.TrimEnd('/')}/latest/{path}");
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        return await http.AskPlatformAsync(request, cancellation);
    }
}
