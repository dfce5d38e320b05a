using ClaudeGateway.Config.Sections.Managed;
using ClaudeGateway.Config.Sections.Upstreams;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Models;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>The whole of gateway.yaml: its sections, and the rules between them.</summary>
internal static class RootSection
{
    private static readonly Key<string> Schema = new(
        "$schema", Text(0), "Where an editor finds the JSON Schema of this file; the gateway does not read it.")
    {
        Example = "./gateway.schema.json",
    };

    private static readonly Key<string> LoginNotice = new(
        "login_notice", LoginNoticeShape.Text, "Notice shown to whoever signs in, such as terms of use.")
    {
        Example = "Company use only. Sessions are logged.",
    };

    private static readonly Key<ListenConfig> Listen = new(
        "listen", ListenSection.Shape, "Where the gateway listens and how developers reach it.")
    {
        IsRequired = true,
    };

    private static readonly Key<OidcConfig> Oidc = new(
        "oidc", OidcSection.Shape, "The identity provider and who may sign in.")
    {
        IsRequired = true,
    };

    private static readonly Key<SessionConfig> Session = new(
        "session", SessionSection.Shape, "The gateway's own bearers.")
    {
        IsRequired = true,
    };

    private static readonly Key<StoreConfig> Store = new(
        "store", StoreSection.Shape, "Where sign-ins, limits and spend are kept.")
    {
        IsRequired = true,
    };

    private static readonly Key<IReadOnlyList<UpstreamConfig>> Upstreams = new(
        "upstreams", UpstreamsSection.Shape, "Providers that answer messages, in order of preference.")
    {
        IsRequired = true,
    };

    private static readonly Key<IReadOnlyList<ModelConfig>> Models = new(
        "models", ModelsSection.Shape, "Models beside, or instead of, the built-in ones.")
    {
        Default = "[]",
    };

    private static readonly Key<bool> AutoIncludeBuiltinModels = new(
        "auto_include_builtin_models", Flag(), "Offer the built-in models beside `models`.")
    {
        Default = "true",
    };

    private static readonly Key<ManagedConfig> Managed = new(
        "managed", ManagedSection.Shape, "Settings and models by group.");

    private static readonly Key<TelemetryConfig> Telemetry = new(
        "telemetry", TelemetrySection.Shape, "Relay of the clients' OpenTelemetry exports.");

    private static readonly Key<ObservabilityConfig> Observability = new(
        "observability",
        ObservabilitySection.Shape,
        "What the gateway tells of itself: metrics, traces and audit events; `{}` is enough to turn metrics on.")
    {
        // Listeners, exporters and their counts go on through a reload.
        NeedsRestart = true,
    };

    private static readonly Key<AdminConfig> Admin = new(
        "admin", AdminSection.Shape, "Spend limits and their API; `{}` is enough to turn it on.");

    private static readonly Key<EnforcementConfig> Enforcement = new(
        "enforcement", PricingSection.Enforcement, "What happens while spend cannot be checked.")
    {
        Default = "{}",
    };

    private static readonly Key<PricingConfig> Pricing = new(
        "pricing", PricingSection.Shape, "Prices that differ from the list.")
    {
        Required = "needs `admin` or a managed policy",
    };

    private static readonly Key<AccessControlConfig> AccessControl = new(
        "access_control", AccessControlSection.Shape, "Which client addresses are served.")
    {
        Default = "{}",
    };

    private static readonly Key<LimitsConfig> Limits = new(
        "limits", LimitsSection.Shape, "Sizes and number of requests.")
    {
        Default = "{}",
    };

    private static readonly Key<TimeoutsConfig> Timeouts = new(
        "timeouts", TimeoutsSection.Shape, "Patience with upstreams.")
    {
        Default = "{}",
    };

    private static readonly Key<RateLimitsConfig> RateLimits = new(
        "rate_limits", RateLimitsSection.Shape, "Sign-in attempts per client address.")
    {
        Default = "{}",
    };

    private static readonly Key<LoadTestModeConfig> LoadTestMode = new(
        "load_test_mode", LoadTestModeSection.Shape, "Canned answers for load tests.");

    public static readonly RecordShape<GatewayConfig> Shape = new(
        [
            Schema, LoginNotice, Listen, Oidc, Session, Store, Upstreams, Models, AutoIncludeBuiltinModels, Managed,
            Telemetry, Observability, Admin, Enforcement, Pricing, AccessControl, Limits,
            Timeouts, RateLimits, LoadTestMode,
        ],
        Build,
        Check)
    {
        Retired = new Dictionary<string, string>
        {
            ["dev"] =
                "was removed: set store.postgres_url to a PostgreSQL database (for a try without one, start "
                    + "`claude-gateway dev`)",
        },
    };

    private static GatewayConfig Build(Fields fields) => new()
    {
        Path = "",
        Sha256 = "",
        LoginNotice = fields.Get(LoginNotice),
        Listen = fields.Get(Listen),
        Oidc = fields.Get(Oidc),
        Session = fields.Get(Session),
        Store = fields.Get(Store),
        Upstreams = fields.Get(Upstreams),
        Models = fields.Get(Models),
        AutoIncludeBuiltinModels = fields.Get(AutoIncludeBuiltinModels),
        Managed = fields.Get(Managed),
        Telemetry = fields.Get(Telemetry),
        Observability = fields.Get(Observability),
        Admin = fields.Get(Admin),
        Enforcement = fields.Get(Enforcement),
        Pricing = fields.Get(Pricing),
        AccessControl = fields.Get(AccessControl),
        Limits = fields.Get(Limits),
        Timeouts = fields.Get(Timeouts),
        RateLimits = fields.Get(RateLimits),
        LoadTestMode = fields.Get(LoadTestMode),
    };

    private static void Check(Fields fields)
    {
        CheckSpendSections(fields);
        if (fields.Has(Upstreams))
        {
            CheckUpstreamNames(fields);
        }

        if (fields.Has(Telemetry) && fields.Has(Listen) && fields.Get(Telemetry).ForwardTo.Count > 0
            && fields.Get(Listen).PublicUrl is null)
        {
            fields.Warn(
                Telemetry,
                "forward_to without listen.public_url: clients are not told to export here; exports that arrive are "
                    + "still relayed");
        }
    }

    private static void CheckSpendSections(Fields fields)
    {
        if (fields.Get(Enforcement) is { FailClosedOnError: true } && !fields.IsGiven(Admin))
        {
            fields.Problem(
                Enforcement, "fail_closed_on_error: true needs an admin section, without which no spend is checked");
        }

        var hasPolicy = fields.IsGiven(Managed) && (!fields.Has(Managed) || fields.Get(Managed).Policies.Count > 0);
        if (fields.IsGiven(Pricing) && !fields.IsGiven(Admin) && !hasPolicy)
        {
            fields.Problem(Pricing, "needs an admin section or a managed policy: nothing else reads prices");
        }
    }

    private static void CheckUpstreamNames(Fields fields)
    {
        var names = fields.Get(Upstreams).Select(upstream => upstream.Name).ToArray();
        if (fields.Has(Models))
        {
            ReferenceRules.CheckModels(names, fields.Node(Models)!, fields.Reading);
        }

        if (fields.Has(Pricing))
        {
            ReferenceRules.CheckOverrides(names, fields.Get(Pricing).Overrides, fields.Node(Pricing)!, fields.Reading);
        }
    }
}
