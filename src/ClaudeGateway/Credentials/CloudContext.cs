using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Credentials.Azure;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials;

/// <summary>
/// What every cloud upstream is made with. Nothing of a cloud's library is loaded before its first credential is asked
/// for.
/// </summary>
internal sealed class CloudContext(
    OutboundClient http,
    CredentialHttp credentialHttp,
    ProcessEnvironment environment,
    TimeSpan? streamStartTimeout,
    TimeProvider clock,
    OperationalLog log)
{
    public OutboundClient Http { get; } = http;

    public CredentialHttp CredentialHttp { get; } = credentialHttp;

    public ProcessEnvironment Environment { get; } = environment;

    /// <summary>How long a stream may take to its response headers; null does not bound it.</summary>
    public TimeSpan? StreamStartTimeout { get; } = streamStartTimeout;

    public TimeProvider Clock { get; } = clock;

    public OperationalLog Log { get; } = log;

    /// <summary>AWS's default chain: one set of credentials for all upstreams that use it.</summary>
    public CredentialCache<AwsCredentials> AwsDefault { get; } = new(
        new AwsCredentialChain(environment, credentialHttp).ResolveAsync, clock);

    /// <summary>One Microsoft Entra ID identity for all upstreams that use it.</summary>
    public EntraTokens Entra { get; } = new(environment, credentialHttp, clock);
}
