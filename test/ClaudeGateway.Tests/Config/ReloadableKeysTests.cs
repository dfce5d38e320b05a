using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Sections;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Settings;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Config;

/// <summary>A reload puts every key in force or says that it does not: no key is silently ignored.</summary>
public sealed class ReloadableKeysTests
{
    /// <summary>
    /// Together they hold every object of gateway.yaml; any value may be replaced by another that is valid there.
    /// </summary>
    private static readonly string[] Documents =
    [
        """
        {"listen":{"public_url":"https://gw.example.com"},
         "oidc":{"google_groups":{"service_account_json_path":"/nowhere.json","admin_email":"a@example.com"}},
         "admin":{"write_keys":[{"id":"w","key":"write-key-0123456789-0123456789-01"}],
                  "read_keys":[{"id":"r","key":"read-key-0123456789-0123456789-012"}],
                  "alerts":{"url":"https://hooks.example.com"}},
         "enforcement":{},
         "pricing":{"overrides":[{"upstream":"anthropic","model":"m","input":1,"output":1,"cache_read":1,"cache_write":1}]},
         "managed":{"policies":[{"match":{},"cli":{}}]},
         "telemetry":{"forward_to":[{"url":"https://otel.example.com"}]},
         "access_control":{},"limits":{},"timeouts":{},
         "rate_limits":{"device_authorization":{},"device_verify":{}},
         "load_test_mode":{"enabled":true},
         "upstreams":[{"provider":"anthropic","auth":{"api_key":"k"}},{"provider":"anthropic","name":"other","auth":{"api_key":"k"}}],
         "models":[{"id":"m","upstream_model":{"anthropic":"x"}}]}
        """,
        """{"store":{"postgres_url":null,"sqlite_path":"/tmp/gw.db"},"managed":{"policies":[{"match":{},"code":{}},{"match":{"groups":["g"]},"desktop":{}}]}}""",
        """{"store":{"postgres_url":"postgres://gateway@db.example.com/gateway","auth":"aws_iam"}}""",
        """{"managed":{"settings":""},"oidc":{"client_secret":null,"token_endpoint_auth_method":"private_key_jwt","client_assertion":{"private_key_pem":"KEY","certificate_pem":"CERT"}}}""",
        """{"managed":{"policies":[{"settings":{}}]},"upstreams":[{"provider":"anthropic","auth":{"oauth_token":"t"}}]}""",
        """{"oidc":{"entra_groups":true,"entra_graph_url":"https://graph.microsoft.us"}}""",
        """{"observability":{"otlp":{"url":"https://otel.example.com"},"audit_otlp":{"url":"https://otel.example.com"}}}""",
        """{"listen":{"tls":{"cert":"CERTFILE","key":"KEYFILE"}}}""",
        """{"telemetry":{"forward_to":[{"url":"https://telemetry.googleapis.com","auth":{"google":{}}}]}}""",
        """{"telemetry":{"forward_to":[{"url":"https://otel.example.com","auth":{"aws":{"region":"us-east-1","service":"aps"}}}]}}""",
        """{"upstreams":[{"provider":"bedrock","region":"us-east-1","auth":{"aws_access_key_id":"a","aws_secret_access_key":"s"},"assume_role":{"role_arn":"arn:aws:iam::123456789012:role/r"},"guardrail":{"id":"g","version":"1"}}]}""",
        """{"upstreams":[{"provider":"mantle","region":"us-east-1","models":["m"],"auth":{}}]}""",
        """{"upstreams":[{"provider":"anthropicAws","region":"us-east-1","workspace_id":"w","auth":{"aws_access_key_id":"a","aws_secret_access_key":"s"}}]}""",
        """{"upstreams":[{"provider":"anthropicGoogleCloud","project_id":"proj","workspace_id":"w","auth":{}}]}""",
        """{"upstreams":[{"provider":"vertex","project_id":"proj","region":"global","auth":{}}]}""",
        """{"upstreams":[{"provider":"foundry","resource":"res","auth":{"api_key":"k"}}]}""",
        """{"upstreams":[{"provider":"anthropic","base_url":"https://llm.example.com","auth":{"federation_rule_id":"f","organization_id":"o","identity_token_file":"/etc/hosts"}}]}""",
    ];

    private static readonly string[] OtherValues =
    [
        "true", "false", "1", "2", "7", "\"x\"", "\"other\"", "\"us-west-2\"", "\"https://other.example.com\"",
        "\"/etc/hosts\"", "\"other@example.com\"",
        "\"0123456789-0123456789-0123456789-other\"", "\"postgres://other/db\"",
        "\"arn:aws:iam::123456789012:role/other\"", "[\"x\"]", "[1]", "[\"openid\"]",
        "{\"a\":\"x\"}", "\"127.0.0.1:1234\"", "0.5", "\"delta\"", "{\"url\":\"https://other.example.com\"}", "{\"trace_ratio\":1}", "{\"anthropic\":\"y\"}", "{}", "[]", "[{}]", "{\"api_key\":\"other\"}",
        "{\"oauth_token\":\"other\"}", "\"ES256\"", "\"client_secret_post\"", "\"max\"",
        "\"layered\"", "\"entra\"", "\"warn\"", "\"worst\"", "\"10.0.0.0/8\"", "[\"10.0.0.0/8\"]", "[\"https://other.example.com\"]",
        "\"https://x.example.com/.well-known/other\"", "\"$.a\"", "{\"service_account_json\":\"/x\"}",
        "{\"region\":\"other\",\"service\":\"xray\"}", "{\"host\":\"127.0.0.2\"}",
        "{\"sqlite_path\":\"/tmp/other.db\"}", "{\"max\":3}", "{\"device_verify\":{\"max\":3}}",
        "{\"jwt_secret\":\"0123456789-0123456789-0123456789-other\"}",
        "{\"issuer\":\"https://other.example.com\",\"client_id\":\"a\",\"client_secret\":\"b\"}",
        "[{\"provider\":\"anthropic\",\"auth\":{\"api_key\":\"other\"}},{\"provider\":\"anthropic\",\"name\":\"other\",\"auth\":{\"api_key\":\"k\"}}]",
        "{\"policies\":[{\"cli\":{\"model\":\"x\"}}]}", "[{\"cli\":{\"model\":\"x\"}}]",
        "{\"allow_cidrs\":[\"10.0.0.0/8\"]}", "{\"max_url_length\":9}", "{\"upstream_ttfb_ms\":9}",
        "{\"enabled\":false}", "{\"groups\":[\"x\"]}", "{\"fail_closed_on_error\":true}", "{\"model\":\"x\"}",
    ];

    /// <summary>No other value of these alone is valid: other keys must come or go with it.</summary>
    private static readonly string[] NeverAlone = ["provider", "use_azure_ad"];

    [Fact]
    public void Every_key_is_taken_over_by_a_reload_or_named_as_one_that_is_not()
    {
        using var pair = new PemPair();
        var open = new HashSet<Key>(Walk(RootSection.Shape));
        Assert.True(open.Count > 100, $"{open.Count} keys");
        foreach (var document in Documents)
        {
            var json = JsonNode.Parse(Yaml.With(pair.Fill(document)))!;
            var inForce = Read(json);
            Assert.True(inForce.Config is not null, $"{document}: {string.Join("; ", inForce.Errors)}");
            foreach (var (path, key) in Keys(RootSection.Shape, inForce.Root!, []).ToList())
            {
                if (open.Contains(key) && Change(json, path, key, pair) is { } changed)
                {
                    CheckReload(inForce, changed, path);
                    open.Remove(key);
                }
            }
        }

        // Read by editors alone.
        open.RemoveWhere(key => key.Name == "$schema" || NeverAlone.Contains(key.Name));
        Assert.True(
            open.Count == 0,
            $"no document changes {string.Join(", ", open.Select(key => $"{key.Name} ({key.Shape.Name})"))}");
    }

    [Fact]
    public void What_takes_a_restart_is_named_in_the_documentation_and_kept()
    {
        var inForce = Yaml.Read(
            Yaml.With("""{"listen":{"port":80,"drain_delay_seconds":1},"store":{"password":"one"}}"""));
        var next = GatewayConfigReader.Read(
            "gateway.yaml",
            Bytes(Yaml.With("""{"listen":{"port":81,"drain_delay_seconds":2},"store":{"password":"two"}}""")),
            Yaml.Environment(),
            inForce);

        Assert.Equal(["listen.port", "store.password"], next.NeedRestart.Order(StringComparer.Ordinal));
        Assert.Equal(
            (80, TimeSpan.FromSeconds(2), "one"),
            (next.Config!.Listen.Port, next.Config.Listen.DrainDelay, next.Config.Store.Password!.Reveal()));
        Assert.Contains(
            "TCP port; 0 lets the system choose a free one. A change takes a restart.",
            ConfigReference.Markdown(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_value_a_gateway_began_with_stays_through_every_further_reload()
    {
        var first = Yaml.Read(Yaml.With("""{"listen":{"port":80}}"""));
        var second = GatewayConfigReader.Read(
            "gateway.yaml", Bytes(Yaml.With("""{"listen":{"port":81}}""")), Yaml.Environment(), first);
        var third = GatewayConfigReader.Read(
            "gateway.yaml", Bytes(Yaml.With("""{"listen":{"port":80}}""")), Yaml.Environment(), second);

        Assert.Equal(["listen.port"], second.NeedRestart);
        Assert.Empty(third.NeedRestart);
        Assert.Equal(80, third.Config!.Listen.Port);
    }

    [Theory]
    [InlineData("password", "one", "two", "/secret", null)]
    [InlineData("password", "one", "one", "/other", "store.password")]
    [InlineData("postgres_url", "postgres://u:one@h/d?sslmode=require", "postgres://u:t%40wo@h/d?sslmode=require",
        "/secret", null)]
    [InlineData("postgres_url", "postgres://h/d?user=u&password=one&sslmode=require",
        "postgres://h/d?user=u&password=two&sslmode=require", "/secret", null)]
    [InlineData("postgres_url", "postgres://u:one@h/d", "postgres://u:one@other/d", "/secret", "store.postgres_url")]
    [InlineData("postgres_url", "postgres://u:one@h/d", "postgres://other:one@h/d", "/secret", "store.postgres_url")]
    [InlineData("postgres_url", "postgres://u:one@h/d", "postgres://u:one@h/d?sslmode=require", "/secret",
        "store.postgres_url")]
    public void A_password_of_a_file_that_is_read_for_each_connection_takes_no_restart(
        string key, string first, string second, string file, string? named)
    {
        using var folder = new TemporaryFolder();
        string At(string name) => folder.Path + name;
        string Document(string name) => Yaml.With($$$"""{"store":{"{{{key}}}":"${file:{{{At(name)}}}}"}}""");
        File.WriteAllText(At("/secret"), first);
        var inForce = Yaml.Read(Document("/secret"));
        Assert.Empty(inForce.Errors);
        File.WriteAllText(At(file), second);
        var next = GatewayConfigReader.Read("gateway.yaml", Bytes(Document(file)), Yaml.Environment(), inForce);

        Assert.Equal(named is null ? [] : [named], next.NeedRestart);
    }

    [Fact]
    public void A_key_given_its_default_is_not_changed()
    {
        var inForce = Yaml.Read(Yaml.Minimal);

        Assert.Empty(
            GatewayConfigReader.Read(
                "gateway.yaml",
                Bytes(Yaml.With("""{"listen":{"port":8080}}""")),
                Yaml.Environment(),
                inForce).NeedRestart);
    }

    private static void CheckReload(ConfigReadResult inForce, JsonNode changed, IReadOnlyList<object> path)
    {
        var fresh = Read(changed);
        var reloaded = GatewayConfigReader.Read(
            "gateway.yaml", Bytes(changed.ToJsonString()), Yaml.Environment(), inForce);
        var name = string.Join('.', path);
        Assert.True(reloaded.Config is not null, $"{name}: {string.Join("; ", reloaded.Errors)}");
        if (reloaded.NeedRestart.Count == 0)
        {
            Assert.True(Dump(fresh.Config) == Dump(reloaded.Config), $"{name} is neither taken over nor named");
        }
        else
        {
            Assert.All(
                reloaded.NeedRestart,
                named =>
                    Assert.True(
                        name.StartsWith(named, StringComparison.Ordinal)
                        || named.StartsWith(name, StringComparison.Ordinal),
                        $"{name}: {named}"));
            Assert.True(Dump(inForce.Config) == Dump(reloaded.Config), $"{name} is named as kept but not kept");
        }
    }

    /// <summary>
    /// The document with another valid value of the key that makes a difference; null when none of those known here
    /// does.
    /// </summary>
    private static JsonNode? Change(JsonNode document, IReadOnlyList<object> path, Key key, PemPair pair)
    {
        var before = Dump(Read(document).Config);
        foreach (var value in Candidates(key).Concat(pair.OtherValues).Where(value => IsValueOf(key, value)))
        {
            var changed = document.DeepClone();
            var parent = path.Take(path.Count - 1)
                .Aggregate(changed, (node, step) => step is int i ? node[i]! : node[(string)step]!);
            parent[key.Name] = value?.DeepClone();
            if (value is null)
            {
                parent.AsObject().Remove(key.Name);
            }

            if (Read(changed).Config is { } read && Dump(read) != before)
            {
                return changed;
            }
        }

        return null;
    }

    /// <summary>Spares the reading of whole documents with values that the key itself refuses.</summary>
    private static bool IsValueOf(Key key, JsonNode? value) =>
        value is null || key.TryRead(Key.Parse(value.ToJsonString()), new ConfigReading(Yaml.Environment()), out _);

    private static IEnumerable<JsonNode?> Candidates(Key key)
    {
        if (key.Example is { } example && !example.Contains("${", StringComparison.Ordinal))
        {
            yield return key.Shape.Name.StartsWith("text", StringComparison.Ordinal) && example[0] != '"'
                ? example
                : PolicyJson.ToNode(Key.Parse(example));
        }

        foreach (var value in OtherValues)
        {
            yield return JsonNode.Parse(value);
        }

        yield return null;
    }

    /// <summary>Every key of every object in the document, given or not, with the path to it.</summary>
    private static IEnumerable<(IReadOnlyList<object> Path, Key Key)> Keys(
        Shape shape, ConfigNode node, IReadOnlyList<object> path)
    {
        if (node is ConfigMap map && shape.KeysFor(map) is { } keys)
        {
            foreach (var key in keys)
            {
                yield return ([.. path, key.Name], key);
                if (map.Find(key.Name) is { } value)
                {
                    foreach (var inner in Keys(key.Shape, value, [.. path, key.Name]))
                    {
                        yield return inner;
                    }
                }
            }
        }
        else if (node is ConfigList list && shape.Item is { } item)
        {
            for (var i = 0; i < list.Items.Count; i++)
            {
                foreach (var inner in Keys(item, list.Items[i], [.. path, i]))
                {
                    yield return inner;
                }
            }
        }
    }

    private static IEnumerable<Key> Walk(Shape shape)
    {
        var item = shape.Item is { } inner ? Walk(inner) : [];
        return shape.KeySets.SelectMany(set => set.Keys).SelectMany(key => Walk(key.Shape).Prepend(key)).Concat(item);
    }

    private static ConfigReadResult Read(JsonNode document) => Yaml.Read(document.ToJsonString());

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Everything a configuration says, as text; where it was read from left out.</summary>
    private static string Dump(object? value) => value switch
    {
        null => "null",
        Secret secret => secret.Reveal(),
        SettingsSchemas schemas =>
            ReferenceEquals(schemas, SettingsSchemas.BuiltIn) ? "built-in" : schemas.Cli.Json.GetRawText(),
        JsonElement json => json.GetRawText(),
        string or Uri or IPNetwork or TimeSpan or Enum or bool => value.ToString()!,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable list => $"[{string.Join(',', list.Cast<object?>().Select(Dump))}]",
        _ =>
            $"{value.GetType().Name}({string.Join(';', value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(IsSaid).Select(property => $"{property.Name}={Dump(property.GetValue(value))}"))})",
    };

    private static bool IsSaid(PropertyInfo property) =>
        property.GetIndexParameters().Length == 0
        && property.Name is not ("Sha256" or "Warnings" or "Positions" or "EqualityContract" or "BuiltIn");

    /// <summary>A certificate with its key, as text and as files.</summary>
    private sealed class PemPair : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly string _key;
        private readonly string _certificate;

        public PemPair()
        {
            using var key = System.Security.Cryptography.RSA.Create(2048);
            var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
                "CN=gw", key, System.Security.Cryptography.HashAlgorithmName.SHA256,
                System.Security.Cryptography.RSASignaturePadding.Pkcs1);
            using var certificate = request.CreateSelfSigned(
                DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
            (_key, _certificate) = (key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem());
            File.WriteAllText(_folder.File("cert.pem"), _certificate);
            File.WriteAllText(_folder.File("key.pem"), _key);
            File.WriteAllText(_folder.File("other-cert.pem"), _certificate);
            File.WriteAllText(_folder.File("other-key.pem"), _key);
            File.WriteAllText(_folder.File("settings.json"), """{"model":"x"}""");
            File.WriteAllText(_folder.File("schema.json"), SettingsSchemas.Text());
            var pkcs1 = key.ExportRSAPrivateKeyPem();
            string[] texts = [
                pkcs1,
                _certificate + "\n",
                .. new[] { "other-cert.pem", "other-key.pem", "settings.json", "schema.json" }.Select(_folder.File)];
            OtherValues =
            [
                .. texts.Select(text => JsonValue.Create(text)),
                new JsonObject { ["private_key_pem"] = pkcs1, ["certificate_pem"] = _certificate },
                new JsonObject { ["cert"] = _folder.File("other-cert.pem"), ["key"] = _folder.File("other-key.pem") },
            ];
        }

        public IReadOnlyList<JsonNode?> OtherValues { get; }

        public string Fill(string document) => document
            .Replace("\"KEY\"", JsonSerializer.Serialize(_key), StringComparison.Ordinal)
            .Replace("\"CERT\"", JsonSerializer.Serialize(_certificate), StringComparison.Ordinal)
            .Replace("CERTFILE", _folder.File("cert.pem"), StringComparison.Ordinal)
            .Replace("KEYFILE", _folder.File("key.pem"), StringComparison.Ordinal);

        public void Dispose() => _folder.Dispose();
    }
}
