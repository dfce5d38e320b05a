using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections.Upstreams;

/// <summary>Keys of an upstream with <c>provider: anthropic</c>.</summary>
internal static class AnthropicUpstreamSection
{
    private const string OfficialDomain = "anthropic.com";

    private static readonly Key<Secret> ApiKey = new("api_key", SecretText(), "API key.")
    {
        Required = "required: one of `api_key`, `oauth_token`, or the federation keys",
        Example = "${ANTHROPIC_API_KEY}",
    };

    private static readonly Key<Secret> OAuthToken = new("oauth_token", SecretText(), "OAuth token, sent as a bearer.")
    {
        Example = "${ANTHROPIC_OAUTH_TOKEN}",
    };

    private static readonly Key<string> FederationRuleId = new(
        "federation_rule_id", Text(), "Workload identity federation: the rule under which the token is exchanged.")
    {
        Required = "required with `organization_id` and `identity_token_file`",
        Example = "fdrl_123",
    };

    private static readonly Key<string> OrganizationId = new(
        "organization_id", Text(), "Workload identity federation: the organization.")
    {
        Example = "org_123",
    };

    private static readonly Key<string> IdentityTokenFile = new(
        "identity_token_file",
        FileThatShouldExist(),
        "Workload identity federation: file with the workload's own token, read again at each exchange.")
    {
        Example = "/var/run/secrets/tokens/anthropic",
    };

    private static readonly Key<string> WorkspaceId = new(
        "workspace_id", Text(0), "Workload identity federation: the workspace.")
    {
        Example = "wrkspc_123",
    };

    private static readonly Key<string> ServiceAccountId = new(
        "service_account_id", Text(0), "Workload identity federation: the service account.")
    {
        Example = "svac_123",
    };

    private static readonly Key[] FederationKeys = [
        FederationRuleId, OrganizationId, IdentityTokenFile, WorkspaceId, ServiceAccountId];

    private static readonly Key<AnthropicAuth> Auth = new(
        "auth",
        Object<AnthropicAuth>([ApiKey, OAuthToken, .. FederationKeys], BuildAuth, CheckAuth),
        "The credential: exactly one of its three forms.")
    {
        IsRequired = true,
    };

    private static readonly Key<bool> ForwardUserIdentity = new(
        "forward_user_identity",
        Flag(),
        "Tell a compatible gateway behind `base_url` who asks. Refused for Anthropic's own API.")
    {
        Default = "false",
    };

    private static readonly UpstreamKeys Common = new("anthropic", "https://llm-proxy.example.com");

    public static readonly Shape<UpstreamConfig> Shape = Object<UpstreamConfig>(
        Common.With(Auth, ForwardUserIdentity), Build, Check);

    private static UpstreamConfig Build(Fields fields) => Common.Complete(fields, new AnthropicUpstreamConfig
    {
        Auth = fields.Get(Auth),
        ForwardUserIdentity = fields.Get(ForwardUserIdentity),
    });

    private static void Check(Fields fields)
    {
        Common.Check(fields);
        var goesToAnthropic = !fields.IsGiven(Common.BaseUrl)
            || (fields.Has(Common.BaseUrl) && IsOfficial(fields.Get(Common.BaseUrl)!.IdnHost.TrimEnd('.')));
        if (fields.Get(ForwardUserIdentity) && goesToAnthropic)
        {
            fields.Problem(
                ForwardUserIdentity,
                $"cannot be true for {OfficialDomain}: names and addresses of developers are only passed to a proxy of "
                    + "your own (set base_url)");
        }
    }

    private static bool IsOfficial(string host) =>
        host.Equals(OfficialDomain, StringComparison.OrdinalIgnoreCase)
        || host.EndsWith("." + OfficialDomain, StringComparison.OrdinalIgnoreCase);

    private static void CheckAuth(Fields fields)
    {
        var isFederation = Array.Exists(FederationKeys, fields.IsGiven);
        var forms = new[] { fields.IsGiven(ApiKey), fields.IsGiven(OAuthToken), isFederation }.Count(given => given);
        if (forms != 1)
        {
            fields.Reading.Problem(
                fields.Map,
                "must hold exactly one of api_key, oauth_token, or federation_rule_id with organization_id and "
                    + "identity_token_file; " + (forms == 0 ? "it holds none" : "it mixes several"));
        }
        else if (isFederation)
        {
            foreach (var key in new Key[] { FederationRuleId, OrganizationId, IdentityTokenFile }.Where(
                key => !fields.IsGiven(key)))
            {
                fields.Require(key, "for workload identity federation");
            }
        }
    }

    private static AnthropicAuth BuildAuth(Fields fields) =>
        fields.Get(ApiKey) is { } key ? new AnthropicAuth.ApiKey(key)
        : fields.Get(OAuthToken) is { } token ? new AnthropicAuth.OAuthToken(token)
        : new AnthropicAuth.Federation(
            fields.Get(FederationRuleId),
            fields.Get(OrganizationId),
            fields.Get(IdentityTokenFile),
            NullIfEmpty(fields.Get(WorkspaceId)),
            NullIfEmpty(fields.Get(ServiceAccountId)));

    private static string? NullIfEmpty(string? text) => text is { Length: > 0 } ? text : null;
}
