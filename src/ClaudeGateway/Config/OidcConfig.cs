namespace ClaudeGateway.Config;

/// <summary>The <c>oidc</c> section: the company's identity provider and who may sign in through it.</summary>
internal sealed record OidcConfig
{
    public required Uri Issuer { get; init; }

    /// <summary>The issuer exactly as written (no added slash), for the discovery URL and comparisons.</summary>
    public required string IssuerText { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Null only with <see cref="TokenEndpointAuthMethod.PrivateKeyJwt"/>.</summary>
    public Secret? ClientSecret { get; init; }

    public ClientAssertionConfig? ClientAssertion { get; init; }

    public TokenEndpointAuthMethod TokenEndpointAuthMethod { get; init; } = TokenEndpointAuthMethod.Auto;

    /// <summary>Domains without "@"; empty means unrestricted.</summary>
    public IReadOnlyList<string> AllowedEmailDomains { get; init; } = [];

    /// <summary>Exact group names; empty means unrestricted.</summary>
    public IReadOnlyList<string> AllowedGroups { get; init; } = [];

    /// <summary>
    /// Claim of the id_token that becomes the bearer's <c>sub</c>; named as <see cref="GroupsClaim"/> is.
    /// </summary>
    public string UserIdClaim { get; init; } = "sub";

    /// <summary>A flat claim name, or an RFC 6901 pointer when it begins with "/".</summary>
    public string GroupsClaim { get; init; } = "groups";

    /// <summary>Where the groups are instead of <see cref="GroupsClaim"/>; null when that one counts.</summary>
    public ClaimPath? GroupsJsonPath { get; init; }

    /// <summary>Claim names or pointers; the first present one counts.</summary>
    public IReadOnlyList<string> EmailClaims { get; init; } = ["email"];

    public GoogleGroupsConfig? GoogleGroups { get; init; }

    /// <summary>Whether Microsoft Graph is asked for groups that a token leaves out; our own key.</summary>
    public bool EntraGroups { get; init; }

    /// <summary>Scheme and host of Microsoft Graph.</summary>
    public Uri EntraGraphUrl { get; init; } = EntraClouds.GraphOf(null);

    public IReadOnlyList<string> Scopes { get; init; } = ["openid", "profile", "email", "offline_access"];

    /// <summary>Whether a refresh repeats the scopes of the sign-in.</summary>
    public bool ScopeOnRefresh { get; init; }

    public IReadOnlyDictionary<string, string> ExtraAuthParams { get; init; } = new Dictionary<string, string>();

    public bool UserinfoFallback { get; init; }

    public bool UsePkce { get; init; } = true;

    /// <summary>
    /// Whether the IdP is asked through the proxy of the environment; null when the file does not say.
    /// </summary>
    public bool? UseProxy { get; init; }

    public TimeSpan ClockSkew { get; init; } = TimeSpan.Zero;

    /// <summary>The one JWS algorithm accepted for id_tokens (RFC 7518 section 3.1 name).</summary>
    public string IdTokenSignedResponseAlg { get; init; } = "RS256";

    public IReadOnlyList<string> AdditionalAuthorizedParties { get; init; } = [];

    public Uri? DiscoveryUrl { get; init; }

    public IReadOnlyList<Uri> FormActionOrigins { get; init; } = [];

    /// <summary>PEM text of the authorities trusted for the IdP, instead of the system's.</summary>
    public string? CaCertPem { get; init; }

    /// <summary>Whether both say the same, secrets and lists compared by what they hold.</summary>
    public bool SaysTheSameAs(OidcConfig other) =>
        ClientSecret?.Reveal() == other.ClientSecret?.Reveal()
        && ClientAssertion?.PrivateKeyPem.Reveal() == other.ClientAssertion?.PrivateKeyPem.Reveal()
        && ClientAssertion?.CertificatePem == other.ClientAssertion?.CertificatePem
        && AllowedEmailDomains.SequenceEqual(other.AllowedEmailDomains)
        && AllowedGroups.SequenceEqual(other.AllowedGroups)
        && EmailClaims.SequenceEqual(other.EmailClaims)
        && Scopes.SequenceEqual(other.Scopes)
        && ExtraAuthParams.SequenceEqual(other.ExtraAuthParams)
        && AdditionalAuthorizedParties.SequenceEqual(other.AdditionalAuthorizedParties)
        && FormActionOrigins.SequenceEqual(other.FormActionOrigins)
        && this == other with
        {
            // Compared above; whatever is added to the section is compared here without further ado.
            ClientSecret = ClientSecret,
            ClientAssertion = ClientAssertion,
            AllowedEmailDomains = AllowedEmailDomains,
            AllowedGroups = AllowedGroups,
            EmailClaims = EmailClaims,
            Scopes = Scopes,
            ExtraAuthParams = ExtraAuthParams,
            AdditionalAuthorizedParties = AdditionalAuthorizedParties,
            FormActionOrigins = FormActionOrigins,
        };
}

/// <summary>How the gateway authenticates at the IdP's token endpoint (OpenID Connect Core section 9).</summary>
internal enum TokenEndpointAuthMethod
{
    /// <summary>client_secret_post when discovery offers it, else client_secret_basic.</summary>
    Auto,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

/// <summary>The key and certificate of <c>private_key_jwt</c>, both PEM text.</summary>
internal sealed record ClientAssertionConfig(Secret PrivateKeyPem, string CertificatePem);

/// <summary>
/// Group lookup through the Admin SDK Directory API with domain-wide delegation as <paramref name="AdminEmail"/>.
/// </summary>
internal sealed record GoogleGroupsConfig(string ServiceAccountJsonPath, string AdminEmail);

/// <summary>The <c>session</c> section.</summary>
internal sealed record SessionConfig
{
    /// <summary>
    /// Each at least 32 characters; the first signs, all verify. Empty, for a gateway started from variables alone,
    /// means the one that is kept in the store.
    /// </summary>
    public required IReadOnlyList<Secret> JwtSecrets { get; init; }

    /// <summary>Lifetime of a bearer; above zero.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The lifetime as the file writes it, in hours, for audit events.</summary>
    public double TtlHours { get; init; } = 1;
}
