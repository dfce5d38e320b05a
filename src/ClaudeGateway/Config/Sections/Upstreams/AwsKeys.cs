using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>Keys that upstreams on AWS share: credentials, the role to assume, the guardrail.</summary>
internal static partial class AwsKeys
{
    private static readonly Key<Secret> AccessKeyId = new("aws_access_key_id", SecretText(), "Access key id.")
    {
        Required = "required with `aws_secret_access_key`",
        Example = "${AWS_ACCESS_KEY_ID}",
    };

    private static readonly Key<Secret> SecretAccessKey = new(
        "aws_secret_access_key", SecretText(), "Secret access key.")
    {
        Required = "required with `aws_access_key_id`",
        Example = "${AWS_SECRET_ACCESS_KEY}",
    };

    private static readonly Key<Secret> SessionToken = new(
        "aws_session_token", SecretText(), "Session token of temporary keys.")
    {
        Example = "${AWS_SESSION_TOKEN}",
    };

    private static readonly Key<Secret> BearerToken = new(
        "aws_bearer_token", SecretText(), "Bedrock API key, used instead of signing; wins over keys.")
    {
        Example = "${AWS_BEARER_TOKEN_BEDROCK}",
    };

    private static readonly Key<Secret> ApiKey = new(
        "api_key", SecretText(), "API key of the workspace, used instead of signing; wins over keys.")
    {
        Example = "${ANTHROPIC_AWS_API_KEY}",
    };

    /// <summary>Credentials of bedrock and mantle.</summary>
    public static readonly Key<AwsAuth> Auth = CreateAuth(
        [AccessKeyId, SecretAccessKey, SessionToken, BearerToken],
        BearerToken,
        (keys, token) => keys with { BearerToken = token });

    /// <summary>Credentials of anthropicAws.</summary>
    public static readonly Key<AwsAuth> PlatformAuth = CreateAuth(
        [ApiKey, AccessKeyId, SecretAccessKey, SessionToken],
        ApiKey,
        (keys, token) => keys with { ApiKey = token });

    private static readonly Key<string> RoleArn = new(
        "role_arn",
        Text().Named("IAM role ARN").Must(
            arn =>
                Role().IsMatch(arn)
                ? null
                : "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/claude-gateway"),
        "The role.")
    {
        IsRequired = true,
        Example = "arn:aws:iam::123456789012:role/claude-gateway",
    };

    private static readonly Key<string> ExternalId = new(
        "external_id",
        Text().Must(id => ExternalIdForm().IsMatch(id) ? null : "must be 2 to 1224 letters, digits or _+=,.@:/-"),
        "External id that the role's trust policy asks for.")
    {
        Example = "gateway-1",
    };

    private static readonly Key<AssumeRoleSessionName> SessionName = new(
        "session_name",
        Choice(("email", AssumeRoleSessionName.Email), ("sub", AssumeRoleSessionName.Sub)),
        "Give each developer an STS session of their own, named by this claim. When absent, one session for all.")
    {
        Example = "email",
    };

    public static readonly Key<AssumeRoleConfig> AssumeRole = new(
        "assume_role",
        Object(
            [RoleArn, ExternalId, SessionName],
            fields => new AssumeRoleConfig(fields.Get(RoleArn), fields.Get(ExternalId), fields.Find(SessionName))),
        "Assume an IAM role through STS instead of signing with the upstream's own credentials.");

    private static readonly Key<string> GuardrailId = new("id", HeaderWord(), "Guardrail id or ARN.")
    {
        IsRequired = true,
        Example = "gr-abc123",
    };

    private static readonly Key<string> GuardrailVersion = new(
        "version", HeaderWord(), "Guardrail version: a number in quotes, or DRAFT.")
    {
        IsRequired = true,
        Example = "\"1\"",
    };

    public static readonly Key<GuardrailConfig> Guardrail = new(
        "guardrail",
        Object(
            [GuardrailId, GuardrailVersion],
            fields => new GuardrailConfig(fields.Get(GuardrailId), fields.Get(GuardrailVersion)),
            WarnAboutOddVersion),
        "Bedrock guardrail applied to every request; every bedrock upstream has one, or none has.");

    public static readonly Key<bool> GuardrailTrace = new(
        "guardrail_trace",
        Flag(),
        "Write to the audit which guardrail filters matched, without what they matched. Each upstream has its own; it "
            + "needs no `guardrail`.")
    {
        Example = "true",
    };

    public static Shape<string> StrictRegion() =>
        Text(0).Named("AWS region").Must(
            region =>
                Region().IsMatch(region)
                ? null
                : "must be an AWS region (lower-case letters, digits and hyphens) such as us-east-1");

    public static void CheckRole(Fields fields)
    {
        if (fields.IsGiven(AssumeRole) && fields.Get(Auth)?.BearerToken is not null)
        {
            fields.Problem(
                AssumeRole,
                "cannot stand beside auth.aws_bearer_token: a bearer token is not signed, so no role can be assumed "
                    + "with it");
        }
    }

    /// <param name="token">The key that stands for a signature, and wins over keys.</param>
    private static Key<AwsAuth> CreateAuth(
        IReadOnlyList<Key> keys, Key<Secret> token, Func<AwsAuth, Secret?, AwsAuth> withToken) => new(
        "auth",
        Object(
            keys,
            fields => withToken(
                new AwsAuth
                {
                    AccessKeyId = fields.Get(AccessKeyId),
                    SecretAccessKey = fields.Get(SecretAccessKey),
                    SessionToken = fields.Get(SessionToken),
                },
                fields.Get(token)),
            fields => CheckKeys(fields, token)),
        "AWS credentials; empty or absent means the AWS default chain (environment, profile, web identity, container, "
            + "instance).")
        {
            Default = "{}",
        };

    private static void CheckKeys(Fields fields, Key bearer)
    {
        var hasId = fields.IsGiven(AccessKeyId);
        var hasSecret = fields.IsGiven(SecretAccessKey);
        if (hasId != hasSecret)
        {
            fields.Problem(
                hasId ? SecretAccessKey : AccessKeyId,
                "is missing: aws_access_key_id and aws_secret_access_key must be set together");
        }

        if (fields.IsGiven(SessionToken) && !hasId && !hasSecret)
        {
            fields.Problem(SessionToken, "aws_session_token requires aws_access_key_id and aws_secret_access_key");
        }

        if (hasId && fields.IsGiven(bearer))
        {
            fields.Warn(bearer, "stands beside access keys and is used; the keys are ignored");
        }
    }

    private static void WarnAboutOddVersion(Fields fields)
    {
        if (fields.Has(GuardrailVersion) && fields.Get(GuardrailVersion) is not "DRAFT" and var version
            && (version.Any(c => !char.IsAsciiDigit(c)) || version.StartsWith('0')))
        {
            fields.Warn(GuardrailVersion, $"'{version}' is no guardrail version: they are numbers from 1 up, or DRAFT");
        }
    }

    [GeneratedRegex(@"^[a-z0-9-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Region();

    [GeneratedRegex(@"^arn:aws(-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Role();

    [GeneratedRegex(@"^[A-Za-z0-9_+=,.@:/-]{2,1224}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ExternalIdForm();
}
