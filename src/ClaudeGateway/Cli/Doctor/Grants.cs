using ClaudeGateway.Config;

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

    public static string Model(UpstreamConfig upstream) => upstream switch
    {
        AnthropicUpstreamConfig => "check base_url",
        BedrockUpstreamConfig =>
            "request access to the model in this region, or name an inference profile of your geography in "
                + "models[].upstream_model (such as eu.anthropic.…)",
        MantleUpstreamConfig => "list in models only what Mantle has in this region",
        VertexUpstreamConfig =>
            "enable the model in Model Garden for this project, or use a region (or global) that has it",
        FoundryUpstreamConfig =>
            "create a deployment of this name, or name the existing one in models[].upstream_model",
        _ => "check region or location, workspace_id and the models the workspace may use",
    };
}
