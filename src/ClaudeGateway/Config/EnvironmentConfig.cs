using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Sections.Upstreams;
using ClaudeGateway.Process;

namespace ClaudeGateway.Config;

/// <summary>
/// The configuration of a gateway started without a file: the usual environment variables, written as the gateway.yaml
/// they amount to and read like any other. Problems name the variable instead of a line. Less is required than of a
/// file: what the platform or the store can say is found when the gateway starts.
/// </summary>
internal sealed class EnvironmentConfig
{
    private const string Name = "environment";
    private const string UpstreamPath = "upstreams[0]";

    private static readonly string[] Mains =
        [
            "PUBLIC_URL", "OIDC_ISSUER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "GATEWAY_JWT_SECRET",
            "DATABASE_URL", "UPSTREAM_PROVIDER"];

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The public URL stays unknown; the others are asked for.</summary>
    private static readonly HashSet<string> FoundAtStart = new(StringComparer.Ordinal)
    {
        "listen.public_url", "session.jwt_secret", $"{UpstreamPath}.region", $"{UpstreamPath}.project_id",
    };

    private readonly ProcessEnvironment _environment;

    /// <summary>Configuration path to the variable that gives it.</summary>
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);

    private EnvironmentConfig(ProcessEnvironment environment) => _environment = environment;

    /// <summary>Whether any variable is set that only a gateway without a file has.</summary>
    public static bool IsGiven(ProcessEnvironment environment) =>
        Array.Exists(Mains, name => environment[name] is { Length: > 0 });

    public static ConfigReadResult Read(ProcessEnvironment environment)
    {
        var composer = new EnvironmentConfig(environment);
        var yaml = composer.Compose().ToJsonString(Indented);
        return GatewayConfigReader.Read(
            Name, Encoding.UTF8.GetBytes(yaml), environment, foundAtStart: FoundAtStart) with
        {
            DescribeProblem = composer.Describe,
        };
    }

    private JsonObject Compose()
    {
        var root = new JsonObject
        {
            ["listen"] = Object("listen", ("port", "PORT"), ("public_url", "PUBLIC_URL")),
            ["oidc"] = Object(
                "oidc",
                ("issuer", "OIDC_ISSUER_URL"),
                ("client_id", "OIDC_CLIENT_ID"),
                ("client_secret", "OIDC_CLIENT_SECRET")),
            ["session"] = Object("session", ("jwt_secret", "GATEWAY_JWT_SECRET")),
            ["store"] = Store(),
            ["upstreams"] = new JsonArray(Upstream()),
        };
        if (IsSet("OTEL_EXPORTER_OTLP_ENDPOINT"))
        {
            root["telemetry"] = new JsonObject { ["forward_to"] = new JsonArray(Collector()) };
        }

        return root;
    }

    private JsonObject Store()
    {
        if (IsSet("DATABASE_URL"))
        {
            return Object("store", ("postgres_url", "DATABASE_URL"));
        }

        var folder = _environment["STATE_DIRECTORY"] is { Length: > 0 } state
            ? state.Split(':')[0]
            : Directory.GetCurrentDirectory();
        return new JsonObject { ["sqlite_path"] = Path.Combine(folder, "claude-gateway.db") };
    }

    private JsonObject Upstream()
    {
        const string Path = UpstreamPath;
        _variables[$"{Path}.provider"] = "UPSTREAM_PROVIDER";
        _variables[$"{Path}.models"] = "UPSTREAM_MODELS";
        var provider = Provider();
        var upstream = provider switch
        {
            "anthropic" => Object(Path, ("base_url", "ANTHROPIC_BASE_URL")),
            "bedrock" =>
                Object(
                    Path,
                    ("region", Either("AWS_REGION", "AWS_DEFAULT_REGION")),
                    ("base_url", "ANTHROPIC_BEDROCK_BASE_URL")),
            "mantle" => Object(Path, ("region", Either("AWS_REGION", "AWS_DEFAULT_REGION"))),
            "anthropicAws" =>
                Object(
                    Path,
                    ("region", Either("AWS_REGION", "AWS_DEFAULT_REGION")),
                    ("workspace_id", "ANTHROPIC_AWS_WORKSPACE_ID")),
            "anthropicGoogleCloud" =>
                Object(
                    Path,
                    ("project_id", "GOOGLE_CLOUD_PROJECT"),
                    ("workspace_id", "ANTHROPIC_WORKSPACE_ID"),
                    ("location", "GOOGLE_CLOUD_LOCATION")),
            "vertex" =>
                Vertex(
                    Path,
                    ("region", "CLOUD_ML_REGION"),
                    ("project_id", Either("ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT")),
                    ("base_url", "ANTHROPIC_VERTEX_BASE_URL")),
            "foundry" =>
                Object(Path, ("resource", "ANTHROPIC_FOUNDRY_RESOURCE"), ("base_url", "ANTHROPIC_FOUNDRY_BASE_URL")),
            _ => [],
        };
        if (provider.Length > 0)
        {
            upstream.Insert(0, "provider", provider);
            upstream["auth"] = Auth(provider, $"{Path}.auth");
        }

        if (_environment["UPSTREAM_MODELS"] is { Length: > 0 } models)
        {
            upstream["models"] = new JsonArray(
                [.. models.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(model => JsonValue.Create(model))]);
        }

        return upstream;
    }

    /// <summary>Empty when nothing says which.</summary>
    private string Provider() =>
        _environment["UPSTREAM_PROVIDER"] is { Length: > 0 } given
        ? UpstreamsSection.ProviderOf(given) : IsSet("ANTHROPIC_API_KEY") ? "anthropic"
        : "";

    /// <summary>Where nothing says which region, the endpoint that is everywhere.</summary>
    private JsonObject Vertex(string path, params (string Key, string Variable)[] members)
    {
        var upstream = Object(path, members);
        upstream.TryAdd("region", "global");
        return upstream;
    }

    /// <summary>Keys and tokens; what a cloud's default credential chain finds by itself is left to it.</summary>
    private JsonObject Auth(string provider, string path)
    {
        _variables[path] = provider switch
        {
            "anthropic" => "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN",
            "foundry" => "ANTHROPIC_FOUNDRY_API_KEY",
            _ => path,
        };
        return provider switch
        {
            "anthropic" => Object(path, ("api_key", "ANTHROPIC_API_KEY"), ("oauth_token", "ANTHROPIC_AUTH_TOKEN")),
            "bedrock" or "mantle" => Object(path, ("aws_bearer_token", "AWS_BEARER_TOKEN_BEDROCK")),
            "anthropicAws" => Object(path, ("api_key", "ANTHROPIC_AWS_API_KEY")),
            "foundry" when !IsSet("ANTHROPIC_FOUNDRY_API_KEY") => new JsonObject { ["use_azure_ad"] = true },
            "foundry" => Object(path, ("api_key", "ANTHROPIC_FOUNDRY_API_KEY")),
            _ => [],
        };
    }

    private JsonObject Collector()
    {
        var collector = Object("telemetry.forward_to[0]", ("url", "OTEL_EXPORTER_OTLP_ENDPOINT"));
        var headers = new JsonObject();
        foreach (var pair in (_environment["OTEL_EXPORTER_OTLP_HEADERS"] ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            var name = at < 0 ? pair : pair[..at].Trim();
            headers[name] = at < 0 ? "" : Uri.UnescapeDataString(pair[(at + 1)..].Trim());
            _variables[$"telemetry.forward_to[0].headers.{name}"] = "OTEL_EXPORTER_OTLP_HEADERS";
        }

        if (headers.Count > 0)
        {
            collector["headers"] = headers;
        }

        return collector;
    }

    /// <summary>Keys whose variable is set, as references to it; the others only remember their variable.</summary>
    private JsonObject Object(string path, params (string Key, string Variable)[] members)
    {
        var result = new JsonObject();
        foreach (var (key, variable) in members)
        {
            _variables[$"{path}.{key}"] = variable;
            if (IsSet(variable))
            {
                result[key] = $"${{{variable}}}";
            }
        }

        return result;
    }

    private string Either(string first, string second) => IsSet(first) || !IsSet(second) ? first : second;

    private bool IsSet(string variable) => _environment[variable] is { Length: > 0 };

    private string Describe(ConfigProblem problem) => _variables.TryGetValue(problem.Path, out var variable)
        ? $"{variable} ({problem.Path}): {problem.Text}"
        : $"{problem.Path}: {problem.Text}";
}
