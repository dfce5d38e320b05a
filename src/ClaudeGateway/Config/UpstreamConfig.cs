namespace ClaudeGateway.Config;

/// <summary>
/// One entry of <c>upstreams</c>: a provider that answers the Messages API, or is translated to it. A region or project
/// is empty where the gateway, started from variables alone, has yet to ask the cloud for it.
/// </summary>
internal abstract record UpstreamConfig
{
    /// <summary>
    /// The provider word of the file: anthropic, bedrock, mantle, anthropicAws, anthropicGoogleCloud, vertex or
    /// foundry.
    /// </summary>
    public abstract string Provider { get; }

    /// <summary>Unique; the provider word unless the file names it.</summary>
    public string Name { get => field ?? Provider; init; }

    /// <summary>Replaces the provider's own endpoint; null uses that.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary>Added to each request, replacing the client's header of that name.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>How long the upstream may send no byte after its headers; our own key.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether requests carry the W3C trace context (<c>traceparent</c>); our own key.</summary>
    public bool ForwardTraceContext { get; init; }

    /// <summary>Only developers in one of these groups are sent here; null means everybody.</summary>
    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>Only these models (each with at most one "*") are sent here; null means all.</summary>
    public IReadOnlyList<string>? Models { get; init; }
}

internal sealed record AnthropicUpstreamConfig : UpstreamConfig
{
    public override string Provider => "anthropic";

    public required AnthropicAuth Auth { get; init; }

    public bool ForwardUserIdentity { get; init; }
}

/// <summary>The credential of an Anthropic upstream: exactly one of three forms.</summary>
internal abstract record AnthropicAuth
{
    internal sealed record ApiKey(Secret Key) : AnthropicAuth;

    internal sealed record OAuthToken(Secret Token) : AnthropicAuth;

    /// <summary>
    /// Workload identity federation: the token in <paramref name="IdentityTokenFile"/> is exchanged for a short-lived
    /// one.
    /// </summary>
    internal sealed record Federation(
        string FederationRuleId, string OrganizationId, string IdentityTokenFile, string? WorkspaceId,
        string? ServiceAccountId) : AnthropicAuth;
}

/// <summary>AWS credentials as the file gives them; all null means the default chain.</summary>
internal sealed record AwsAuth
{
    public Secret? AccessKeyId { get; init; }

    public Secret? SecretAccessKey { get; init; }

    public Secret? SessionToken { get; init; }

    /// <summary>Wins over keys.</summary>
    public Secret? BearerToken { get; init; }

    /// <summary>Claude Platform on AWS only; wins over keys.</summary>
    public Secret? ApiKey { get; init; }
}

internal sealed record AssumeRoleConfig(string RoleArn, string? ExternalId, AssumeRoleSessionName? SessionName);

/// <summary>The claim that names the STS session, so that each developer has a session of their own.</summary>
internal enum AssumeRoleSessionName
{
    Email,
    Sub,
}

internal sealed record GuardrailConfig(string Id, string Version);

/// <summary>The geography whose inference profiles the gateway asks Bedrock for.</summary>
internal enum InferenceProfile
{
    Us,
    Eu,
    Apac,
    Jp,
    Au,
    Global,

    /// <summary>The foundation model itself.</summary>
    None,
}

internal sealed record BedrockUpstreamConfig : UpstreamConfig
{
    public override string Provider => "bedrock";

    public required string Region { get; init; }

    /// <summary>How built-in models are asked for; null means by the region, as the reference does.</summary>
    public InferenceProfile? InferenceProfile { get; init; }

    public AwsAuth Auth { get; init; } = new();

    public AssumeRoleConfig? AssumeRole { get; init; }

    public GuardrailConfig? Guardrail { get; init; }

    /// <summary>Whether Bedrock is asked which of a guardrail's filters matched, for the audit.</summary>
    public bool GuardrailTrace { get; init; }
}

internal sealed record MantleUpstreamConfig : UpstreamConfig
{
    public override string Provider => "mantle";

    public required string Region { get; init; }

    public AwsAuth Auth { get; init; } = new();

    public AssumeRoleConfig? AssumeRole { get; init; }
}

internal sealed record ClaudePlatformAwsUpstreamConfig : UpstreamConfig
{
    public override string Provider => "anthropicAws";

    public required string Region { get; init; }

    public required string WorkspaceId { get; init; }

    public AwsAuth Auth { get; init; } = new();
}

/// <summary>
/// Google credentials: a service account (or external account) file, a ready access token, or neither for Application
/// Default Credentials.
/// </summary>
internal sealed record GoogleAuth(string? ServiceAccountJsonPath, Secret? AccessToken);

internal sealed record ClaudeOnGoogleCloudUpstreamConfig : UpstreamConfig
{
    public override string Provider => "anthropicGoogleCloud";

    public required string ProjectId { get; init; }

    public required string WorkspaceId { get; init; }

    public string Location { get; init; } = "global";

    public GoogleAuth Auth { get; init; } = new(null, null);
}

internal sealed record VertexUpstreamConfig : UpstreamConfig
{
    public override string Provider => "vertex";

    public required string Region { get; init; }

    public required string ProjectId { get; init; }

    public GoogleAuth Auth { get; init; } = new(null, null);
}

internal sealed record FoundryUpstreamConfig : UpstreamConfig
{
    public override string Provider => "foundry";

    public required string Resource { get; init; }

    /// <summary>Null means Microsoft Entra ID (<c>use_azure_ad: true</c>).</summary>
    public Secret? ApiKey { get; init; }
}
