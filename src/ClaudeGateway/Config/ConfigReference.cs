using System.Text;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Config;

/// <summary>Writes docs/configuration.md from the shapes that read the file.</summary>
internal sealed class ConfigReference
{
    private const string Introduction = """
        # Configuration

        `claude-gateway --config gateway.yaml` reads one YAML file. This page lists every key; it is generated from the
        code that reads them
        (`claude-gateway schema --format markdown`), and `claude-gateway schema` prints a JSON Schema for editors.

        - A URL may stand for the file: `https://…`, `s3://bucket/key`, `gs://bucket/object`
          ([operations.md](operations.md#configuration-at-a-url)).
        - `claude-gateway check --config gateway.yaml` checks the file without touching any service; `--print` shows it
          with references resolved, defaults filled in and secrets masked.
        - Every problem is listed, each with file, line, column, path, and what is allowed. An unknown key is a problem.
        - `${NAME}` inside a string value becomes that environment variable; a whole value `${file:/absolute/path}`
          becomes that file's content without blanks at its ends. Results are not expanded again. There are no defaults
          and no escapes; an undefined variable or a missing file is a problem.
        - Numbers may be given as strings, so that `${NAME}` works for them; `true` and `false` may not.
        - YAML anchors, aliases and merge keys work. A key given twice is warned about, and the later one is used.
        - SIGHUP puts a changed file in force. Keys that say "A change takes a restart" keep the value the gateway was
          started with; each that differs is named in the log.

        ## Without a file

        Started without `--config`, the gateway takes its configuration from the environment;
        `claude-gateway check --print` shows the file it amounts to. (Where `CLAUDE_GATEWAY_CONFIG` names a file that
        exists, as it may in a container, that file is read instead.)

        `OIDC_ISSUER_URL`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `UPSTREAM_PROVIDER`, `DATABASE_URL` and a published
        port are enough to begin with. What a file has to say is found then:

        - Without `GATEWAY_JWT_SECRET` a secret is made at the first start and kept in the database for all replicas
          ([secret-rotation.md](secret-rotation.md#the-kept-secret)).
        - Without `PUBLIC_URL` only requests for `localhost`, `*.localhost`, 127.0.0.0/8 and `[::1]` are served, under
          the port they came to: a published port on one's own machine. Any other name is answered with 421 and what to
          set; `/healthz` and `/readyz` answer under every name. Register `http://localhost:PORT/oauth/callback` at the
          IdP.
        - Without `AWS_REGION` and `AWS_DEFAULT_REGION` the region is that of the profile (`AWS_PROFILE`) in the shared
          AWS files, else of the EC2 instance, unless `AWS_EC2_METADATA_DISABLED` is `true`.
        - Without `GOOGLE_CLOUD_PROJECT` the project is `project_id`, else `quota_project_id`, of the Application
          Default Credentials, else that of Google's metadata server. Vertex without `CLOUD_ML_REGION` is `global`.

        | Variable | Key |
        |---|---|
        | `PUBLIC_URL`, `PORT` | `listen.public_url`, `listen.port` |
        | `OIDC_ISSUER_URL`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` | `oidc.issuer`, `oidc.client_id`, `oidc.client_secret` |
        | `GATEWAY_JWT_SECRET` | `session.jwt_secret`, 32 characters or more |
        | `DATABASE_URL` | `store.postgres_url`; without it `store.sqlite_path` is `claude-gateway.db` in `STATE_DIRECTORY` or the working folder |
        | `UPSTREAM_PROVIDER` | `upstreams[0].provider` (`google_cloud` means `vertex`); anthropic when absent and `ANTHROPIC_API_KEY` is set |
        | `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN`, `ANTHROPIC_BASE_URL` | credential and `base_url` of anthropic |
        | `AWS_REGION`, `AWS_BEARER_TOKEN_BEDROCK`, the AWS credential chain | bedrock and mantle |
        | `AWS_REGION`, `ANTHROPIC_AWS_WORKSPACE_ID`, `ANTHROPIC_AWS_API_KEY` or the AWS credential chain | anthropicAws |
        | `CLOUD_ML_REGION`, `ANTHROPIC_VERTEX_PROJECT_ID` or `GOOGLE_CLOUD_PROJECT`, Application Default Credentials | vertex |
        | `GOOGLE_CLOUD_PROJECT`, `ANTHROPIC_WORKSPACE_ID`, `GOOGLE_CLOUD_LOCATION`, Application Default Credentials | anthropicGoogleCloud |
        | `ANTHROPIC_FOUNDRY_RESOURCE`, `ANTHROPIC_FOUNDRY_API_KEY` or Microsoft Entra ID | foundry |
        | `UPSTREAM_MODELS` (separated by commas) | `upstreams[0].models` |
        | `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS` | `telemetry.forward_to[0]` |


        """;

    private readonly StringBuilder _text = new(Introduction);
    private readonly Queue<Action> _sections = new();

    public static string Markdown()
    {
        var reference = new ConfigReference();
        reference.Section("Top level", "", "The file as a whole.", RootSection.Shape.KeySets[0].Keys);
        while (reference._sections.TryDequeue(out var section))
        {
            section();
        }

        return reference._text.ToString().TrimEnd('\n') + "\n";
    }

    private void Section(string title, string path, string description, IReadOnlyList<Key> keys)
    {
        _text.Append("## ").Append(title).Append("\n\n").Append(description)
            .Append("\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
        foreach (var key in keys)
        {
            _text.Append("| `").Append(key.Name).Append("` | ").Append(Cell(Type(key))).Append(" | ")
                .Append(Cell(Default(key))).Append(" | ").Append(Cell(Meaning(key))).Append(" |\n");
        }

        _text.Append('\n');
        foreach (var key in keys)
        {
            Enqueue(key, path.Length == 0 ? key.Name : $"{path}.{key.Name}");
        }
    }

    private void Enqueue(Key key, string path)
    {
        var shape = key.Shape;
        while (shape.KeySets.Count == 0 && shape.Item is { } item)
        {
            (shape, path) = (item, path + "[]");
        }

        foreach (var set in shape.KeySets)
        {
            var title = set.Variant is null ? $"`{path}`" : $"`{path}` with `{set.Variant}`";
            _sections.Enqueue(() => Section(title, path, key.Description, set.Keys));
        }
    }

    private static string Type(Key key) => key.Shape.Name;

    private static string Default(Key key) => key switch
    {
        { IsRequired: true } => "**required**",
        { Required: { } when } => when,
        { Default: { } value } => $"`{value}`",
        _ => "",
    };

    private static string Meaning(Key key) =>
        key.Description
        + (key.NeedsRestart ? " A change takes a restart." : "")
        + (key.Example is null ? "" : $" Example: `{key.Example}`");

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
