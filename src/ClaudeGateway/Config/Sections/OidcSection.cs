using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>oidc</c>.</summary>
internal static class OidcSection
{
    private static readonly string[] ComputedParameters =
        [
            "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method", "scope", "response_type",
            "response_mode", "client_id"];

    private static readonly Key<string> Issuer = new(
        "issuer",
        Text(0).Named("http(s) URL").Must(HttpUrlProblem),
        "The identity provider's issuer URL, exactly as it stands in its tokens; discovery is read from below it.")
    {
        IsRequired = true,
        Example = "https://login.example.com",
    };

    private static readonly Key<string> ClientId = new(
        "client_id", Text(), "The gateway's client id at the identity provider.")
    {
        IsRequired = true,
        Example = "claude-gateway",
    };

    private static readonly Key<Secret> ClientSecret = new(
        "client_secret", SecretText(), "The gateway's client secret.")
    {
        Required = "required unless `token_endpoint_auth_method` is private_key_jwt, where it must be absent",
        Example = "${OIDC_CLIENT_SECRET}",
    };

    private static readonly Key<Secret> PrivateKeyPem = new(
        "private_key_pem", SecretText(), "PEM text of the RSA key (PKCS#8 or PKCS#1, 2048 bits or more, unencrypted).")
    {
        IsRequired = true,
        Example = "${file:/etc/gateway/oidc.key}",
    };

    private static readonly Key<string> CertificatePem = new(
        "certificate_pem", Text(), "PEM text of the one certificate registered at the identity provider for that key.")
    {
        IsRequired = true,
        Example = "${file:/etc/gateway/oidc.crt}",
    };

    private static readonly Key<ClientAssertionConfig> ClientAssertion = new(
        "client_assertion",
        Object(
            [PrivateKeyPem, CertificatePem],
            fields => new ClientAssertionConfig(fields.Get(PrivateKeyPem), fields.Get(CertificatePem)),
            ClientAssertionRules.Check(PrivateKeyPem, CertificatePem)),
        "Key and certificate for `private_key_jwt` (RFC 7523).")
    {
        Required = "required with, and only with, `token_endpoint_auth_method: private_key_jwt`",
    };

    private static readonly Key<TokenEndpointAuthMethod> AuthMethod = new(
        "token_endpoint_auth_method",
        Choice(
            ("client_secret_basic", TokenEndpointAuthMethod.ClientSecretBasic),
            ("client_secret_post", TokenEndpointAuthMethod.ClientSecretPost),
            ("private_key_jwt", TokenEndpointAuthMethod.PrivateKeyJwt)),
        "How the gateway authenticates at the token endpoint; when absent, whichever secret method discovery offers.");

    private static readonly Key<IReadOnlyList<string>> AllowedEmailDomains = new(
        "allowed_email_domains",
        ListOf(Text(0)).Checked(SomeEntryIsNotBlank),
        "Only people with an address in one of these domains may sign in. A leading `@` is dropped.")
    {
        Default = "[]",
        Example = "[example.com]",
    };

    private static readonly Key<IReadOnlyList<string>> AllowedGroups = new(
        "allowed_groups",
        ListOf(Text(0)).Checked(SomeEntryIsNotBlank),
        "Only members of one of these groups (exact case) may sign in; an empty list lets everybody in.")
    {
        Default = "[]",
        Example = "[claude-users]",
    };

    private static readonly Key<string> GroupsClaim = new(
        "groups_claim", Text(), "Claim that lists the groups: a name, or a JSON pointer such as `/realm_access/roles`.")
    {
        Default = "groups",
    };

    private static readonly Key<ClaimPath> GroupsJsonPath = new(
        "groups_jsonpath",
        Text(0).Named("JSONPath").Must(ClaimPath.ProblemOf).As(ClaimPath.Parse),
        "Path to the groups, instead of `groups_claim`, for claims that list objects: `$`, then `.name`, `['name']`, "
            + "`[*]` and `[?@.name=='text']` (RFC 9535), a name first.")
    {
        Example = "$.memberships[?@.type=='team'].name",
    };

    private static readonly Key<string> UserIdClaim = new(
        "user_id_claim",
        Text(),
        "Claim of the id_token that says who somebody is, instead of `sub`: a name, or a JSON pointer. Spend, audit "
            + "and limits know the developer by it; whoever lacks it as a non-empty text cannot sign in.")
    {
        Default = "sub",
        Example = "oid",
    };

    private static readonly Key<IReadOnlyList<string>> EmailClaim = new(
        "email_claim",
        OneOrMany(Text()),
        "Claim that holds the e-mail address; of several the first present one counts.")
    {
        Default = "email",
        Example = "[upn, email]",
    };

    private static readonly Key<string> ServiceAccountJsonPath = new(
        "service_account_json_path", FileThatShouldExist(), "Service account key file with domain-wide delegation.")
    {
        IsRequired = true,
        Example = "/etc/gateway/google.json",
    };

    private static readonly Key<string> AdminEmail = new(
        "admin_email", Email(), "Administrator on whose behalf the directory is asked.")
    {
        IsRequired = true,
        Example = "admin@example.com",
    };

    private static readonly Key<GoogleGroupsConfig> GoogleGroups = new(
        "google_groups",
        Object(
            [ServiceAccountJsonPath, AdminEmail],
            fields => new GoogleGroupsConfig(fields.Get(ServiceAccountJsonPath), fields.Get(AdminEmail))),
        "Look groups up in Google Workspace, whose tokens carry none.");

    private static readonly Key<bool> EntraGroups = new(
        "entra_groups",
        Flag(),
        "Ask Microsoft Graph for the groups of a person who is in too many for Entra's token, with the gateway's own "
            + "client id and secret (or certificate), which needs the application permissions User.ReadBasic.All and "
            + "GroupMember.Read.All. Our own key.")
    {
        Default = "false",
        Example = "true",
    };

    private static readonly Key<Uri> EntraGraphUrl = new(
        "entra_graph_url",
        HttpUrl().Must(
            url =>
                url.PathAndQuery == "/" && url.UserInfo.Length == 0 && url.Fragment.Length == 0
                ? null
                : "must be scheme and host alone, such as https://graph.microsoft.com").Must(
            url =>
                url.Scheme == Uri.UriSchemeHttps || url.IsLoopback
                ? null
                : "must begin with https://: an access token is sent there"),
        "Scheme and host of Microsoft Graph; when absent that of the issuer's cloud. For the US government's DoD cloud: "
            + "`https://dod-graph.microsoft.us`. Our own key.")
    {
        Example = "https://dod-graph.microsoft.us",
    };

    private static readonly Key<IReadOnlyList<string>> Scopes = new(
        "scopes",
        ListOf(Text().As(scope => scope.Trim()).Must(ScopeProblem)).Must(
            scopes =>
                scopes.Contains("openid")
                ? null
                : "must include openid: without it the identity provider sends no id_token"),
        "Scopes asked for at sign-in.")
    {
        Default = "[openid, profile, email, offline_access]",
    };

    private static readonly Key<bool> ScopeOnRefresh = new(
        "scope_on_refresh", Flag(), "Repeat the scopes when a session is refreshed; some identity providers need it.")
    {
        Default = "false",
    };

    private static readonly Key<IReadOnlyDictionary<string, string>> ExtraAuthParams = new(
        "extra_auth_params", MapOf(Text(0), RefuseComputedParameter), "More parameters for the authorization request.")
    {
        Default = "{}",
        Example = "{ prompt: consent }",
    };

    private static readonly Key<bool> UserinfoFallback = new(
        "userinfo_fallback", Flag(), "Ask the userinfo endpoint for claims that the id_token lacks.")
    {
        Default = "false",
    };

    private static readonly Key<bool> UsePkce = new(
        "use_pkce", Flag(), "Use PKCE (RFC 7636) toward the identity provider.")
    {
        Default = "true",
    };

    private static readonly Key<bool> UseProxy = new(
        "use_proxy",
        Flag(),
        "Reach the identity provider through the proxy of the environment. When absent and a proxy is set, boot says "
            + "which way is taken.");

    private static readonly Key<int> ClockSkew = new(
        "clock_skew_seconds",
        Integer(0, 24 * 3600),
        "Seconds by which the identity provider's clock may differ.")
    {
        Default = "0",
        Example = "30",
    };

    private static readonly Key<string> Algorithm = new(
        "id_token_signed_response_alg",
        Choice(
            [.. new[] { "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA" }
                .Select(alg => (alg, alg))]),
        "The one signature algorithm accepted for id_tokens (RFC 7518 section 3.1).")
    {
        Default = "RS256",
    };

    private static readonly Key<IReadOnlyList<string>> AdditionalAuthorizedParties = new(
        "additional_authorized_parties", ListOf(Text(0)), "More client ids accepted in `azp`.")
    {
        Default = "[]",
    };

    private static readonly Key<Uri> DiscoveryUrl = new(
        "discovery_url",
        HttpUrl().Must(
            url =>
                url.AbsolutePath.Contains("/.well-known/", StringComparison.Ordinal)
                ? null
                : "its path must contain /.well-known/"),
        "Where the discovery document is, when not below the issuer.")
    {
        Example = "https://login.example.com/.well-known/openid-configuration",
    };

    private static readonly Key<IReadOnlyList<Uri>> FormActionOrigins = new(
        "form_action_origins",
        ListOf(HttpUrl()),
        "More origins to which the sign-in page's form may lead (Content-Security-Policy), for identity providers that "
            + "redirect across hosts.")
    {
        Default = "[]",
    };

    private static readonly Key<string> CaCertPem = new(
        "ca_cert_pem",
        Text().Named("PEM text").Must(PemFiles.CertificateProblem),
        "Authorities trusted for the identity provider instead of the system's.")
    {
        Example = "${file:/etc/gateway/ca.pem}",
    };

    public static readonly Shape<OidcConfig> Shape = Object(
        [
            Issuer, ClientId, ClientSecret, ClientAssertion, AuthMethod, AllowedEmailDomains, AllowedGroups,
            UserIdClaim, GroupsClaim, GroupsJsonPath, EmailClaim, GoogleGroups, EntraGroups, EntraGraphUrl,
            Scopes, ScopeOnRefresh, ExtraAuthParams, UserinfoFallback, UsePkce, UseProxy, ClockSkew, Algorithm,
            AdditionalAuthorizedParties, DiscoveryUrl, FormActionOrigins, CaCertPem,
        ],
        Build,
        Check);

    private static void Check(Fields fields)
    {
        var isPrivateKeyJwt = fields.Get(AuthMethod) is TokenEndpointAuthMethod.PrivateKeyJwt;
        if (isPrivateKeyJwt && !fields.IsGiven(ClientAssertion))
        {
            fields.Require(ClientAssertion, "with token_endpoint_auth_method private_key_jwt");
        }

        if (isPrivateKeyJwt && fields.IsGiven(ClientSecret))
        {
            fields.Problem(ClientSecret, "must be absent with token_endpoint_auth_method private_key_jwt");
        }

        if (!isPrivateKeyJwt && fields.IsGiven(ClientAssertion))
        {
            fields.Problem(ClientAssertion, "has an effect only with token_endpoint_auth_method private_key_jwt");
        }

        if (!isPrivateKeyJwt && !fields.IsGiven(ClientSecret))
        {
            fields.Require(ClientSecret, "unless token_endpoint_auth_method is private_key_jwt");
        }

        if (fields.IsGiven(GroupsJsonPath)
            && fields.Node(GroupsClaim) is Yaml.ConfigScalar { Type: Yaml.ScalarType.Text, Text: not "groups" })
        {
            fields.Problem(
                GroupsClaim,
                "cannot stand beside groups_jsonpath, which says where the groups are; remove one of them");
        }

        if (fields.Get(EntraGroups) && fields.IsGiven(GoogleGroups))
        {
            fields.Problem(EntraGroups, "cannot stand beside google_groups; keep the one of your identity provider");
        }

        if (!fields.Get(EntraGroups) && fields.IsGiven(EntraGraphUrl))
        {
            fields.Problem(EntraGraphUrl, "has an effect only with entra_groups: true");
        }

        LoopbackRules.Check(fields, EntraGraphUrl, fields.Get(EntraGraphUrl));
        LoopbackRules.Check(fields, Issuer, fields.Get(Issuer));
        if (fields.Get(ClockSkew) > 300)
        {
            fields.Warn(ClockSkew, $"{fields.Get(ClockSkew)} seconds: tokens are accepted that long after they "
                + "expired");
        }
    }

    private static OidcConfig Build(Fields fields) => new()
    {
        Issuer = new Uri(fields.Get(Issuer).Trim()),
        IssuerText = fields.Get(Issuer),
        ClientId = fields.Get(ClientId),
        ClientSecret = fields.Get(ClientSecret),
        ClientAssertion = fields.Get(ClientAssertion),
        TokenEndpointAuthMethod = fields.Get(AuthMethod),
        AllowedEmailDomains = [.. fields.Get(AllowedEmailDomains).Select(Domain).Where(domain => domain.Length > 0)],
        AllowedGroups = [.. fields.Get(AllowedGroups).Select(group => group.Trim()).Where(group => group.Length > 0)],
        UserIdClaim = fields.Get(UserIdClaim),
        GroupsClaim = fields.Get(GroupsClaim),
        GroupsJsonPath = fields.Get(GroupsJsonPath),
        EmailClaims = fields.Get(EmailClaim),
        GoogleGroups = fields.Get(GoogleGroups),
        EntraGroups = fields.Get(EntraGroups),
        EntraGraphUrl = fields.Get(EntraGraphUrl) ?? EntraClouds.GraphOf(new Uri(fields.Get(Issuer).Trim())),
        Scopes = fields.Get(Scopes),
        ScopeOnRefresh = fields.Get(ScopeOnRefresh),
        ExtraAuthParams = fields.Get(ExtraAuthParams),
        UserinfoFallback = fields.Get(UserinfoFallback),
        UsePkce = fields.Get(UsePkce),
        UseProxy = fields.Find(UseProxy),
        ClockSkew = TimeSpan.FromSeconds(fields.Get(ClockSkew)),
        IdTokenSignedResponseAlg = fields.Get(Algorithm),
        AdditionalAuthorizedParties = fields.Get(AdditionalAuthorizedParties),
        DiscoveryUrl = fields.Get(DiscoveryUrl),
        FormActionOrigins = fields.Get(FormActionOrigins),
        CaCertPem = fields.Get(CaCertPem),
    };

    private static string Domain(string written)
    {
        var trimmed = written.Trim();
        return (trimmed.StartsWith('@') ? trimmed[1..] : trimmed).Trim();
    }

    private static void SomeEntryIsNotBlank(IReadOnlyList<string> entries, Yaml.ConfigNode node, ConfigReading reading)
    {
        if (entries.Count > 0 && entries.All(entry => Domain(entry).Length == 0))
        {
            reading.Problem(
                node, "has only blank entries, which would let nobody in; remove the key to let everybody in");
        }
        else if (entries.Any(string.IsNullOrWhiteSpace))
        {
            reading.Warn(node, "has a blank entry, which matches nobody");
        }
    }

    private static string? ScopeProblem(string scope) =>
        scope.Length == 0 ? "must not be blank"
        : scope.Any(char.IsWhiteSpace) ? "must be one scope; list several as separate entries"
        : null;

    private static void RefuseComputedParameter(Yaml.ConfigEntry entry, ConfigReading reading)
    {
        if (entry.Key.Length == 0)
        {
            reading.Problem(entry.KeyPosition, entry.Value.Path, "has no name");
        }
        else if (Array.IndexOf(ComputedParameters, entry.Key) >= 0)
        {
            reading.Problem(entry.KeyPosition, entry.Value.Path, "is set by the gateway itself and cannot be given");
        }
    }
}
