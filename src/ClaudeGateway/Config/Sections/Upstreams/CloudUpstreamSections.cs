using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>Keys of upstreams with <c>provider: bedrock</c>.</summary>
internal static class BedrockUpstreamSection
{
    private static readonly Key<string> Region = new(
        "region",
        Text().Named("AWS region"),
        "AWS region; it also decides the prefix of model ids unless `inference_profile` does.")
    {
        IsRequired = true,
        Example = "us-east-1",
    };

    private static readonly Key<InferenceProfile> Profile = new(
        "inference_profile",
        Choice(
            ("us", InferenceProfile.Us),
            ("eu", InferenceProfile.Eu),
            ("apac", InferenceProfile.Apac),
            ("jp", InferenceProfile.Jp),
            ("au", InferenceProfile.Au),
            ("global", InferenceProfile.Global),
            ("none", InferenceProfile.None)),
        "Inference profile through which built-in models are invoked: the prefix of their ids, or none. Ids in "
            + "`models[].upstream_model` stay as written. When absent, `us` in the US and ca-central-1 and none "
            + "elsewhere.")
    {
        Example = "eu",
    };

    private static readonly UpstreamKeys Common = new("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com");

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(
            Region, Profile, AwsKeys.Auth, AwsKeys.AssumeRole, AwsKeys.Guardrail, AwsKeys.GuardrailTrace),
        fields => Common.Complete(fields, new BedrockUpstreamConfig
        {
            Region = fields.Get(Region) ?? "",
            InferenceProfile = fields.Find(Profile),
            Auth = fields.Get(AwsKeys.Auth),
            AssumeRole = fields.Get(AwsKeys.AssumeRole),
            Guardrail = fields.Get(AwsKeys.Guardrail),
            GuardrailTrace = fields.Get(AwsKeys.GuardrailTrace),
        }),
        fields =>
        {
            Common.Check(fields);
            AwsKeys.CheckRole(fields);
            UpstreamKeys.WarnIfOddlySpelled(
                fields, Region, "-", "an AWS region (lower-case letters, digits and hyphens)");
        });
}

/// <summary>Keys of upstreams with <c>provider: mantle</c>.</summary>
internal static class MantleUpstreamSection
{
    private static readonly Key<string> Region = new("region", AwsKeys.StrictRegion(), "AWS region.")
    {
        IsRequired = true,
        Example = "us-east-1",
    };

    private static readonly UpstreamKeys Common = new(
        "mantle", "https://bedrock-mantle.us-east-1.api.aws/anthropic", needsModels: true);

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(Region, AwsKeys.Auth, AwsKeys.AssumeRole),
        fields => Common.Complete(fields, new MantleUpstreamConfig
        {
            Region = fields.Get(Region) ?? "",
            Auth = fields.Get(AwsKeys.Auth),
            AssumeRole = fields.Get(AwsKeys.AssumeRole),
        }),
        fields =>
        {
            Common.Check(fields);
            AwsKeys.CheckRole(fields);
        });
}

/// <summary>Keys of upstreams with <c>provider: anthropicAws</c>, the Claude Platform on AWS.</summary>
internal static class ClaudePlatformAwsUpstreamSection
{
    private static readonly Key<string> Region = new("region", AwsKeys.StrictRegion(), "AWS region.")
    {
        IsRequired = true,
        Example = "us-east-1",
    };

    private static readonly Key<string> WorkspaceId = new("workspace_id", HeaderWord(), "Workspace; sent as a header.")
    {
        IsRequired = true,
        Example = "wrkspc_123",
    };

    private static readonly UpstreamKeys Common = new(
        "anthropicAws", "https://aws-external-anthropic.us-east-1.api.aws");

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(Region, WorkspaceId, AwsKeys.PlatformAuth),
        fields => Common.Complete(fields, new ClaudePlatformAwsUpstreamConfig
        {
            Region = fields.Get(Region) ?? "",
            WorkspaceId = fields.Get(WorkspaceId),
            Auth = fields.Get(AwsKeys.PlatformAuth),
        }),
        Common.Check);
}

/// <summary>Credentials that upstreams on Google Cloud share.</summary>
internal static partial class GoogleKeys
{
    private static readonly Key<string> ServiceAccountJson = new(
        "service_account_json",
        FileThatShouldExist(mayBeEmpty: true),
        "File of a service account key or external account configuration.")
    {
        Example = "/etc/gateway/google.json",
    };

    private static readonly Key<Secret> AccessToken = new(
        "access_token", SecretText(0), "Ready access token; it is not renewed.")
    {
        Example = "${GOOGLE_ACCESS_TOKEN}",
    };

    private static readonly Key<string> PlatformServiceAccountJson = new(
        "service_account_json", FileThatShouldExist(), ServiceAccountJson.Description)
    {
        Example = ServiceAccountJson.Example,
    };

    private static readonly Key<Secret> PlatformAccessToken = new("access_token", SecretText(), AccessToken.Description)
    {
        Example = AccessToken.Example,
    };

    /// <summary>Credentials of vertex, where an empty value counts as absent.</summary>
    public static readonly Key<GoogleAuth> Auth = CreateAuth(ServiceAccountJson, AccessToken);

    /// <summary>Credentials of anthropicGoogleCloud.</summary>
    public static readonly Key<GoogleAuth> PlatformAuth = CreateAuth(PlatformServiceAccountJson, PlatformAccessToken);

    /// <summary>One part of a resource path.</summary>
    public static Shape<string> Identifier(string what) =>
        Text(0).Must(id => IdentifierForm().IsMatch(id) ? null : $"must be a {what}: letters, digits, _ and -");

    private static Key<GoogleAuth> CreateAuth(Key<string> file, Key<Secret> token) => new(
        "auth",
        Object([file, token], fields => new GoogleAuth(
            fields.Get(file) is { Length: > 0 } path ? path : null,
            fields.Get(token) is { Length: > 0 } value ? value : null)),
        "Google credentials; empty or absent means Application Default Credentials.")
    {
        Default = "{}",
    };

    [GeneratedRegex(@"^[A-Za-z0-9_-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex IdentifierForm();
}

/// <summary>Keys of upstreams with <c>provider: anthropicGoogleCloud</c>, Claude on Google Cloud.</summary>
internal static class ClaudeOnGoogleCloudUpstreamSection
{
    private static readonly Key<string> ProjectId = new(
        "project_id", GoogleKeys.Identifier("Google Cloud project id"), "Google Cloud project.")
    {
        IsRequired = true,
        Example = "my-project",
    };

    private static readonly Key<string> Location = new(
        "location", GoogleKeys.Identifier("Google Cloud location"), "Google Cloud location.")
    {
        Default = "global",
    };

    private static readonly Key<string> WorkspaceId = new(
        "workspace_id", GoogleKeys.Identifier("workspace id"), "Workspace.")
    {
        IsRequired = true,
        Example = "wrkspc_123",
    };

    private static readonly UpstreamKeys Common = new("anthropicGoogleCloud", "https://claude-proxy.example.com");

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(ProjectId, Location, WorkspaceId, GoogleKeys.PlatformAuth),
        fields => Common.Complete(fields, new ClaudeOnGoogleCloudUpstreamConfig
        {
            ProjectId = fields.Get(ProjectId) ?? "",
            Location = fields.Get(Location),
            WorkspaceId = fields.Get(WorkspaceId),
            Auth = fields.Get(GoogleKeys.PlatformAuth),
        }),
        Common.Check);
}

/// <summary>Keys of upstreams with <c>provider: vertex</c>.</summary>
internal static class VertexUpstreamSection
{
    /// <summary>What many pages call the provider.</summary>
    public const string Alias = "google_cloud";

    private static readonly Key<string> Region = new("region", Text(), "Google Cloud region, `global`, `us` or `eu`.")
    {
        IsRequired = true,
        Example = "us-east5",
    };

    private static readonly Key<string> ProjectId = new("project_id", Text(), "Google Cloud project.")
    {
        IsRequired = true,
        Example = "my-project",
    };

    private static readonly UpstreamKeys Common = new(
        "vertex", "https://us-east5-aiplatform.googleapis.com/v1", alias: Alias);

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(Region, ProjectId, GoogleKeys.Auth),
        fields => Common.Complete(fields, new VertexUpstreamConfig
        {
            Region = fields.Get(Region) ?? "",
            ProjectId = fields.Get(ProjectId) ?? "",
            Auth = fields.Get(GoogleKeys.Auth),
        }),
        fields =>
        {
            Common.Check(fields);
            UpstreamKeys.WarnIfOddlySpelled(
                fields, Region, "-", "a Google Cloud region (lower-case letters, digits and hyphens)");
            UpstreamKeys.WarnIfOddlySpelled(
                fields, ProjectId, "-.:", "a Google Cloud project id (lower-case letters, digits and hyphens)");
        });
}

/// <summary>Keys of upstreams with <c>provider: foundry</c>.</summary>
internal static partial class FoundryUpstreamSection
{
    private static readonly Key<string> Resource = new(
        "resource",
        Text(0).Must(
            resource =>
                ResourceName().IsMatch(resource)
                ? null
                : "must be 2 to 64 letters, digits or hyphens, without a hyphen at an end"),
        "Azure AI Foundry resource.")
    {
        IsRequired = true,
        Example = "my-resource",
    };

    private static readonly Key<Secret> ApiKey = new("api_key", SecretText(), "API key.")
    {
        Required = "required unless `use_azure_ad` is true",
        Example = "${FOUNDRY_API_KEY}",
    };

    private static readonly Key<bool> UseAzureAd = new(
        "use_azure_ad", Flag(), "Use Microsoft Entra ID: managed identity, workload identity or service principal.")
    {
        Example = "true",
    };

    private static readonly Key<Secret?> Auth = new(
        "auth",
        Object<Secret?>([ApiKey, UseAzureAd], fields => fields.Get(ApiKey), CheckAuth),
        "Exactly one of `api_key` and `use_azure_ad: true`.")
    {
        IsRequired = true,
    };

    private static readonly UpstreamKeys Common = new("foundry", "https://my-resource.services.ai.azure.com/anthropic");

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(Resource, Auth),
        fields => Common.Complete(fields, new FoundryUpstreamConfig
        {
            Resource = fields.Get(Resource),
            ApiKey = fields.Get(Auth),
        }),
        Common.Check);

    private static void CheckAuth(Fields fields)
    {
        var isEntra = fields.Get(UseAzureAd);
        if (fields.IsGiven(UseAzureAd) && fields.Has(UseAzureAd) && !isEntra)
        {
            fields.Problem(UseAzureAd, "must be true or absent; give api_key instead");
        }
        else if (fields.IsGiven(ApiKey) == fields.IsGiven(UseAzureAd))
        {
            fields.Reading.Problem(fields.Map, "must hold exactly one of api_key and use_azure_ad: true");
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex ResourceName();
}
