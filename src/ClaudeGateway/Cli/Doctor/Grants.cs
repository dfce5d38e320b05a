using ClaudeGateway.Config;
using ClaudeGateway.Upstreams.Bedrock;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>What an operator has to grant or change at each provider (docs/upstreams.md says it at length).</summary>
internal static class Grants
{
    public static string Credential(UpstreamConfig upstream) => upstream switch
    {
        AnthropicUpstreamConfig =>
            "check auth: an API key of the Anthropic Console, a token, or a federation rule that admits this workload",
        BedrockUpstreamConfig { AssumeRole: { } role } =>
            $"let the gateway's own identity do sts:AssumeRole on {role.RoleArn}, in its policy and in the role's "
                + "trust policy (with the external id)",
        MantleUpstreamConfig { AssumeRole: { } role } =>
            $"let the gateway's own identity do sts:AssumeRole on {role.RoleArn}, in its policy and in the role's "
                + "trust policy (with the external id)",
        BedrockUpstreamConfig or MantleUpstreamConfig =>
            "set auth (keys or aws_bearer_token), or give the process an AWS identity: environment, profile, web "
                + "identity, container or instance role",
        ClaudePlatformAwsUpstreamConfig =>
            "set auth.api_key to a key of the workspace, or give the process an AWS identity; check region and "
                + "workspace_id",
        VertexUpstreamConfig or ClaudeOnGoogleCloudUpstreamConfig =>
            "set auth.service_account_json to a credential file, or give the process Application Default Credentials",
        FoundryUpstreamConfig { ApiKey: null } =>
            "give the process a managed identity, a workload identity or a service principal (AZURE_TENANT_ID, "
                + "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)",
        _ => "set auth.api_key to a key of the resource (Keys and Endpoint)",
    };

    public static string Permission(UpstreamConfig upstream) => upstream switch
    {
        AnthropicUpstreamConfig => "the key's workspace must allow the model",
        BedrockUpstreamConfig bedrock =>
            "grant bedrock:InvokeModel, bedrock:InvokeModelWithResponseStream and bedrock:CountTokens on the "
                + "foundation models and inference "
                + "profiles"
                + (bedrock.Guardrail is null ? "" : ", bedrock:ApplyGuardrail on the guardrail")
                + (bedrock.Auth.BearerToken is null ? "" : ", bedrock:CallWithBearerToken"),
        MantleUpstreamConfig =>
            "attach the managed policy AmazonBedrockMantleInferenceAccess, or grant bedrock-mantle:CreateInference "
                + "(with a bearer also bedrock-mantle:CallWithBearerToken)",
        ClaudePlatformAwsUpstreamConfig =>
            "grant aws-external-anthropic:CreateInference and aws-external-anthropic:CountTokens on the workspace",
        VertexUpstreamConfig =>
            "grant roles/aiplatform.user (aiplatform.endpoints.predict) on the project, and enable the Vertex AI API",
        ClaudeOnGoogleCloudUpstreamConfig =>
            "grant a role of claude.googleapis.com that may create messages, on the workspace",
        _ => "assign the role Cognitive Services User or Azure AI User on the resource to the identity",
    };

    /// <summary>
    /// A container is a network hop further from the instance than the default lets the service's answer travel.
    /// </summary>
    public const string SilentInstance =
        "in a container on EC2: aws ec2 modify-instance-metadata-options --instance-id <id> "
            + "--http-put-response-hop-limit 2, or give the container a role of its own (EKS Pod Identity, IRSA, ECS "
            + "task role); elsewhere set auth, or another source of AWS credentials";

    /// <summary>
    /// For a model the AWS account has not subscribed to, which is no matter of the gateway's own permissions; null for
    /// any other refusal.
    /// </summary>
    public static string? Subscription(UpstreamConfig upstream, string? words) =>
        words is null || upstream is not (BedrockUpstreamConfig or MantleUpstreamConfig) ? null
        : words.Contains("marketplace", StringComparison.OrdinalIgnoreCase) ?
            "subscribe the AWS account to the model once: invoke it from a role that may do "
                + "aws-marketplace:ViewSubscriptions and aws-marketplace:Subscribe (the Bedrock console's playground "
                + "does), wait some minutes and ask again. The gateway's own role needs neither, and should not keep "
                + "them"
        : words.Contains("use case details", StringComparison.OrdinalIgnoreCase) ?
            "send in Anthropic's use case form for the AWS account (Bedrock console, Model catalog), wait some minutes "
                + "and ask again"
        : words.Contains("don't have access to the model", StringComparison.OrdinalIgnoreCase)
            || words.Contains("don\u2019t have access to the model", StringComparison.OrdinalIgnoreCase) ?
            "give the AWS account access to the model in this region (Bedrock console, Model catalog; a service "
                + "control policy of the organization may forbid it), wait some minutes and ask again"
        : null;

    /// <summary>For a model that Bedrock invokes through an inference profile alone.</summary>
    public static string InferenceProfile(UpstreamConfig upstream) =>
        upstream is BedrockUpstreamConfig { InferenceProfile: null } bedrock
            ? "set inference_profile of this upstream, to "
                + (BedrockModelId.MissingProfile(bedrock.Region) is { } missing
                    ? $"{BedrockModelId.Word(missing)} or another one" : "the one")
                + " that this region has; an id in models[].upstream_model is used as written, so correct it there"
            : "choose another inference_profile, one that this region has for the model; an id in "
                + "models[].upstream_model is used as written, so correct it there";

    public static string Model(UpstreamConfig upstream) => upstream switch
    {
        AnthropicUpstreamConfig => "check base_url",
        BedrockUpstreamConfig =>
            "request access to the model in this region, or set inference_profile to one that this region has (single "
                + "models: models[].upstream_model, such as eu.anthropic.…)",
        MantleUpstreamConfig => "list in models only what Mantle has in this region",
        VertexUpstreamConfig =>
            "enable the model in Model Garden for this project, or use a region (or global) that has it",
        FoundryUpstreamConfig =>
            "create a deployment of this name, or name the existing one in models[].upstream_model",
        _ => "check region or location, workspace_id and the models the workspace may use",
    };
}
