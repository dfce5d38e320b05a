namespace ClaudeGateway.Credentials.Aws;

/// <summary>What signs an AWS request. A class, not a record: its text must never show a secret.</summary>
/// <param name="sessionToken">Only temporary credentials have one.</param>
internal sealed class AwsCredentials(string accessKeyId, string secretAccessKey, string? sessionToken)
{
    public string AccessKeyId { get; } = accessKeyId;

    public string SecretAccessKey { get; } = secretAccessKey;

    public string? SessionToken { get; } = sessionToken;
}
