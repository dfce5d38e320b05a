using System.Net;
using ClaudeGateway.Config.Shapes;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Tests.Config;

public sealed class SectionTests
{
    [Theory]
    [InlineData(
        """{"upstreams":[{"provider":"anthropic","auth":{"api_key":"k"},"idle_timeout_ms":0}]}""",
        "idle_timeout_ms: must be an integer from 1 to 86400000")]
    [InlineData("""{"listen":{"port":65536}}""", "listen.port: must be an integer from 0 to 65535")]
    [InlineData(
        """{"listen":{"keep_alive_seconds":0}}""", "listen.keep_alive_seconds: must be an integer from 1 to 86400")]
    [InlineData("""{"listen":{"keep_alive_seconds":86401}}""", "must be an integer from 1 to 86400")]
    [InlineData("""{"listen":{"host":"0.0.0.0"}}""", "listen.public_url: is required because")]
    [InlineData("""{"listen":{"public_url":"gw"}}""", "is not a URL")]
    [InlineData("""{"listen":{"public_url":"ftp://gw.example.com"}}""", "begins with ftp:")]
    [InlineData("""{"listen":{"public_url":"https://gw.example.com/path"}}""", "has a path")]
    [InlineData("""{"listen":{"public_url":"https://gw.example.com?x"}}""", "has a query")]
    [InlineData("""{"listen":{"public_url":"https://u:p@gw.example.com"}}""", "holds credentials")]
    [InlineData("""{"listen":{"public_url":" https://gw.example.com"}}""", "is not a URL")]
    [InlineData("""{"listen":{"tls":{"cert":"/nope.pem"}}}""", "listen.tls.key: is required")]
    [InlineData("""{"listen":{"tls":{"cert":"/nope.pem","key":"/tmp"}}}""", "file /nope.pem does not exist")]
    [InlineData(
        """{"session":{"jwt_secret":["0123456789-0123456789-0123456789","short"]}}""",
        "jwt_secret[1]: must have at least 32 characters, got 5")]
    [InlineData("""{"upstreams":[{"provider":"bedrock"}]}""", "upstreams[0].region: is required")]
    [InlineData("""{"upstreams":[{"provider":"google_cloud","region":"us"}]}""", "[0].project_id: is required")]
    [InlineData("""{"upstreams":[{"provider":"google"}]}""", "must be anthropic, bedrock")]
    [InlineData("""{"session":{"jwt_secret":[]}}""", "jwt_secret: must have at least one entry")]
    [InlineData("""{"session":{"ttl_hours":0}}""", "ttl_hours: must be a number above 0")]
    [InlineData("""{"session":{"ttl_hours":-1}}""", "ttl_hours: must be a number above 0")]
    [InlineData("""{"store":{"postgres_url":null}}""", "store.postgres_url: is required (or sqlite_path")]
    [InlineData("""{"store":{"sqlite_path":"/x"}}""", "sqlite_path: cannot stand beside postgres_url")]
    [InlineData("""{"store":{"postgres_url":"mysql://h/x"}}""", "must begin with postgres://")]
    [InlineData("""{"store":{"postgres_url":"postgres://a:1,b:2,c/x?port=1,2"}}""", "port names 2 ports for 3 hosts")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://h/x?pgbouncer=true"}}""", "\"pgbouncer\" is unknown. Known are")]
    [InlineData("""{"store":{"postgres_url":"postgres://u:p/w@h/x"}}""", "percent-encoded")]
    [InlineData("""{"store":{"postgres_url":"postgres://h/x?sslmode=maybe"}}""", "sslmode")]
    [InlineData("""{"store":{"auth":"aws_iam"}}""", "store.postgres_url: has a password, which cannot stand beside")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://u@h/d","auth":"aws_iam","password":"p"}}""",
        "store.password: cannot stand beside auth")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://h/d","auth":"entra"}}""", "store.postgres_url: names no user; auth needs")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://u@h/d?sslmode=disable","auth":"google_iam"}}""",
        "sslmode=disable cannot stand beside store.auth")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://u@h/d","auth":"entra","aws_region":"us-east-1"}}""",
        "store.aws_region: is only for auth: aws_iam")]
    [InlineData("""{"store":{"aws_region":"us-east-1"}}""", "store.aws_region: is only for auth: aws_iam")]
    [InlineData(
        """{"store":{"postgres_url":null,"sqlite_path":"/x","auth":"entra"}}""", "store.auth: is only for postgres_url")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://u@h/d","auth":"aws"}}""", "store.auth: must be aws_iam, google_iam or entra")]
    [InlineData(
        """{"store":{"postgres_url":"postgres://u:${file:/run/x}@h/d"}}""",
        "store.postgres_url: holds a ${file:…}, which is read only as a whole value")]
    [InlineData("""{"store":{"max_connections":10001}}""", "max_connections: must be an integer from 1 to 10000")]
    [InlineData(
        """{"limits":{"max_request_bytes":1000000001}}""",
        "max_request_bytes: must be an integer from 1 to 1000000000")]
    [InlineData(
        """{"rate_limits":{"device_verify":{"window_seconds":31536001}}}""",
        "window_seconds: must be an integer from 1 to 31536000")]
    [InlineData("""{"oidc":{"clock_skew_seconds":86401}}""", "clock_skew_seconds: must be an integer from 0 to 86400")]
    [InlineData("""{"oidc":{"scopes":["email"]}}""", "must include openid")]
    [InlineData("""{"oidc":{"scopes":["openid email"]}}""", "must be one scope")]
    [InlineData("""{"oidc":{"scopes":["openid"," "]}}""", "scopes[1]: must not be blank")]
    [InlineData("""{"oidc":{"extra_auth_params":{"":"x"}}}""", "has no name")]
    [InlineData(
        """{"oidc":{"google_groups":{"service_account_json_path":"/x","admin_email":"a..b@c.com"}}}""",
        "must be an e-mail address")]
    [InlineData(
        """{"oidc":{"entra_groups":true,"google_groups":{"service_account_json_path":"/x","admin_email":"a@b.com"}}}""",
        "oidc.entra_groups: cannot stand beside google_groups")]
    [InlineData(
        """{"oidc":{"entra_graph_url":"https://graph.microsoft.us"}}""", "has an effect only with entra_groups: true")]
    [InlineData(
        """{"oidc":{"entra_groups":true,"entra_graph_url":"https://graph.microsoft.us/v1.0"}}""",
        "must be scheme and host alone")]
    [InlineData(
        """{"oidc":{"entra_groups":true,"entra_graph_url":"http://graph.microsoft.us"}}""", "must begin with https://")]
    [InlineData(
        """{"oidc":{"entra_groups":true,"entra_graph_url":"http://localhost:1"}}""", "CLAUDE_GATEWAY_ALLOW_LOOPBACK")]
    [InlineData("""{"oidc":{"issuer":"http://192.0.0.192"}}""", "link-local or metadata")]
    [InlineData("""{"oidc":{"user_id_claim":""}}""", "oidc.user_id_claim: must not be empty")]
    [InlineData("""{"oidc":{"user_id_claim":["oid"]}}""", "oidc.user_id_claim: must be text")]
    [InlineData("""{"dev":{"x":1}}""", "dev: was removed: set store.postgres_url")]
    [InlineData("""{"dev":[]}""", "dev: was removed: set store.postgres_url")]
    [InlineData("""{"$schema":5}""", "$schema: must be text")]
    [InlineData("""{"store":{"readiness_grace_seconds":true}}""", "must be an integer from 0 to 3600")]
    [InlineData("""{"store":{"readiness_grace_seconds":"1e3"}}""", "must be an integer from 0 to 3600")]
    [InlineData("""{"load_test_mode":{"enabled":false,"reply_tokens":"5"}}""", "must be an integer from 1 to 100000")]
    [InlineData("""{"load_test_mode":{"enabled":false,"reply_seconds":true}}""", "must be a number from 0 to 600")]
    [InlineData("""{"admin":{"billing_group_tag":"a\n"}}""", "1 to 64 of ASCII letters")]
    [InlineData(
        """{"oidc":{"extra_auth_params":{"state":"x"}}}""", "extra_auth_params.state: is set by the gateway itself")]
    [InlineData("""{"oidc":{"extra_auth_params":{"a":5}}}""", "extra_auth_params.a: must be text")]
    [InlineData("""{"oidc":{"discovery_url":"https://x.example/.well-known"}}""", "must contain /.well-known/")]
    [InlineData("""{"oidc":{"issuer":"http://169.254.169.254"}}""", "link-local or metadata")]
    [InlineData("""{"oidc":{"issuer":"http://localhost:1"}}""", "CLAUDE_GATEWAY_ALLOW_LOOPBACK")]
    [InlineData("""{"oidc":{"allowed_groups":[""]}}""", "only blank entries")]
    [InlineData("""{"oidc":{"allowed_email_domains":["@"]}}""", "only blank entries")]
    [InlineData("""{"oidc":{"email_claim":[]}}""", "email_claim: must have at least one entry")]
    [InlineData("""{"oidc":{"ca_cert_pem":"garbage"}}""", "holds no PEM certificate")]
    [InlineData("""{"oidc":{"id_token_signed_response_alg":"rs256"}}""", "did you mean 'RS256'?")]
    [InlineData("""{"oidc":{"token_endpoint_auth_method":"private_key_jwt"}}""", "client_assertion: is required with")]
    [InlineData(
        """{"oidc":{"client_assertion":{"private_key_pem":"x","certificate_pem":"y"}}}""", "not an RSA private key")]
    [InlineData("""{"oidc":{"client_secret":null}}""", "client_secret: is required unless")]
    [InlineData(
        """{"oidc":{"google_groups":{"service_account_json_path":"/x","admin_email":"a@b"}}}""",
        "must be an e-mail address")]
    [InlineData(
        """{"models":[{"id":"a","upstream_model":{"anthropik":"x"}}]}""",
        "references unknown upstream 'anthropik'; did you mean 'anthropic'?")]
    [InlineData("""{"models":[{"id":"a","upstream_model":{}}]}""", "must name at least one upstream")]
    [InlineData(
        """{"admin":{"write_keys":[{"id":"dup","key":"k2345678901234567890123456789012"}],"read_keys":[{"id":"dup","key":"j2345678901234567890123456789012"}]}}""",
        "the id 'dup' is used 2 times")]
    [InlineData("""{"admin":{"billing_group_tag":"Anthropic-x"}}""", "reserved")]
    [InlineData("""{"admin":{"billing_group_tag":"a b"}}""", "1 to 64 of ASCII letters")]
    [InlineData("""{"admin":{"spend_retention_months":12001}}""", "months: must be an integer from 1 to 12000")]
    [InlineData("""{"admin":{"audit_retention_days":1000000}}""", "audit_retention_days: must be an integer from 1 to")]
    [InlineData("""{"admin":{"identity_retention_days":2147483647}}""", "days: must be an integer from 1 to 365000")]
    [InlineData("""{"enforcement":{"reserve":"all"}}""", "enforcement.reserve: must be usual or worst")]
    [InlineData("""{"enforcement":{"fail_closed_on_error":true}}""", "needs an admin section")]
    [InlineData("""{"pricing":{}}""", "needs an admin section or a managed policy")]
    [InlineData("""{"pricing":{"multiplier":10.5},"admin":{}}""", "at most 10")]
    [InlineData("""{"managed":{"policies":[{"code":{},"cli":{}}]}}""", "cannot stand beside cli")]
    [InlineData(
        """{"managed":{"policies":[{"match":{"groups":["a"]},"code":{}},{"cli":{}}]}}""",
        "policies[0] has code and policies[1] has cli")]
    [InlineData("""{"managed":{"policies":[{"match":{"email_domain":"a@b.com"}}]}}""", "one bare domain")]
    [InlineData("""{"managed":{"policies":[{"match":{"groups":[]}}]}}""", "groups: must have at least one entry")]
    [InlineData("""{"managed":{"policies":[{"desktop":{"expiresAt":1}}]}}""", "managed.policies[0].desktop.expiresAt")]
    [InlineData(
        """{"managed":{"policies":[{"desktop":{"orgPluginSettings":{"mcpServers":{"s":{"tools":{}}}}}}]}}""",
        "desktop.orgPluginSettings")]
    [InlineData(
        """{"managed":{"policies":[{"desktop":{"orgPluginSettings":{"mcpServers":{"s":{"toolPolicy":{"t":"deny"}}}}}}]}}""",
        "desktop.orgPluginSettings")]
    [InlineData(
        """{"managed":{"policies":[{"desktop":{"userContentRendererUrl":" localhost "}}]}}""",
        "desktop.userContentRendererUrl")]
    [InlineData("""{"telemetry":{"forward_to":[{"url":"http://collector:4318"}]}}""", "must be https")]
    [InlineData(
        """{"telemetry":{"forward_to":[{"url":"https://x.example","auth":{"google":{}}}]}}""",
        "only for collectors on *.googleapis.com")]
    [InlineData(
        """{"telemetry":{"forward_to":[{"url":"https://a.googleapis.com","auth":{"google":{}},"headers":{"Authorization":"x"}}]}}""",
        "must not hold Authorization")]
    [InlineData(
        """{"telemetry":{"forward_to":[{"url":"https://x.example","auth":{"aws":{"region":"eu-central-1"}}}]}}""",
        "aws needs region and service")]
    [InlineData(
        """{"telemetry":{"forward_to":[{"url":"https://x.example","auth":{}}]}}""",
        "auth.google: is required (or `aws`)")]
    [InlineData(
        """{"telemetry":{"forward_to":[{"url":"https://a.googleapis.com","auth":{"google":{},"aws":{"region":"r","service":"s"}}}]}}""",
        "cannot stand beside google")]
    [InlineData(
        """{"telemetry":{"resource_attributes":{"Enduser.x":"v"}}}""", "is set by the client or the gateway itself")]
    [InlineData("""{"telemetry":{"resource_attributes":{"a":"b c"}}}""", "printable ASCII without blanks")]
    [InlineData("""{"limits":{"max_request_bytes":1.5}}""", "must be an integer from 1 to 1000000000")]
    [InlineData("""{"rate_limits":{"device_verify":{"max":0}}}""", "rate_limits.device_verify.max")]
    [InlineData("""{"load_test_mode":{}}""", "load_test_mode.enabled: is required")]
    [InlineData("""{"login_notice":"   "}""", "must not be blank")]
    [InlineData("""{"oidc":"x"}""", "oidc: must be a mapping with the keys issuer")]
    public void A_broken_rule_is_explained(string json, string expected) =>
        Assert.Contains(Yaml.Read(Yaml.With(json)).Errors, error => error.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("""{"provider":"anthropik","auth":{}}""", "did you mean 'anthropic'?")]
    [InlineData("""{"auth":{}}""", "upstreams[0].provider: is required")]
    [InlineData("""{"provider":"anthropic","auth":{}}""", "exactly one of api_key, oauth_token")]
    [InlineData("""{"provider":"anthropic","auth":{"api_key":"k","oauth_token":"t"}}""", "it mixes several")]
    [InlineData("""{"provider":"anthropic","auth":{"federation_rule_id":"f"}}""", "auth.organization_id: is required")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"forward_user_identity":true}""",
        "cannot be true for anthropic.com")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"forward_user_identity":true,"base_url":"https://API.Anthropic.com."}""",
        "cannot be true for anthropic.com")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"base_url":"http://metadata.google.internal"}""",
        "cloud metadata endpoint")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"base_url":"http://127.0.0.1:1"}""",
        "CLAUDE_GATEWAY_ALLOW_LOOPBACK")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"headers":{"Authorization":"x"}}""",
        "headers.Authorization: is set by the gateway itself")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"headers":{"a b":"x"}}""",
        "headers.a b: is not a header name")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"headers":{"x-a":" v"}}""",
        "must not begin or end with a blank")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"headers":{"x-a":"1","X-A":"2"}}""",
        "gives one header twice")]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"},"groups":[]}""", "groups: must have at least one entry")]
    [InlineData("""{"provider":"bedrock"}""", "region: is required")]
    [InlineData("""{"provider":"bedrock","region":"r","auth":{"aws_access_key_id":"a"}}""", "must be set together")]
    [InlineData(
        """{"provider":"bedrock","region":"r","auth":{"aws_session_token":"a"}}""",
        "aws_session_token requires aws_access_key_id")]
    [InlineData(
        """{"provider":"bedrock","region":"r","auth":{"aws_bearer_token":"a"},"assume_role":{"role_arn":"arn:aws:iam::123456789012:role/x"}}""",
        "assume_role: cannot stand beside")]
    [InlineData(
        """{"provider":"bedrock","region":"r","assume_role":{"role_arn":"arn:aws-cn:iam::123456789012:role/x"}}""",
        "must be the ARN of an IAM role")]
    [InlineData(
        """{"provider":"bedrock","region":"r","assume_role":{"role_arn":"arn:aws:iam::123456789012:role/x","external_id":"a"}}""",
        "external_id: must be 2 to 1224")]
    [InlineData("""{"provider":"bedrock","region":"r","guardrail":{"id":"a","version":1}}""", "version: must be text")]
    [InlineData(
        """{"provider":"bedrock","region":"r","inference_profile":"emea"}""",
        "inference_profile: must be us, eu, apac, jp, au, global or none")]
    [InlineData(
        """{"provider":"mantle","region":"us-east-1","models":["a"],"inference_profile":"eu"}""",
        "inference_profile: unknown key")]
    [InlineData(
        """{"provider":"bedrock","region":"r","guardrail_trace":"ENABLED"}""",
        "guardrail_trace: must be true or false")]
    [InlineData(
        """{"provider":"mantle","region":"us-east-1","models":["a"],"guardrail_trace":true}""",
        "guardrail_trace: unknown key")]
    [InlineData(
        """{"provider":"bedrock","region":"r","guardrail":{"id":"a b","version":"1"}}""",
        "id: must be a valid header value")]
    [InlineData(
        """{"provider":"bedrock","region":"r","guardrail":{"id":"a","version":" 1"}}""",
        "version: must be a valid header value")]
    [InlineData(
        """{"provider":"anthropicAws","region":"us-east-1","workspace_id":"a b"}""",
        "workspace_id: must be a valid header value")]
    [InlineData(
        """{"provider":"anthropicGoogleCloud","project_id":"example.com:p","workspace_id":"w"}""",
        "must be a Google Cloud project id")]
    [InlineData(
        """{"provider":"anthropicGoogleCloud","project_id":"p","workspace_id":"w\n"}""", "must be a workspace id")]
    [InlineData(
        """{"provider":"anthropicGoogleCloud","project_id":"p","workspace_id":"w","auth":{"access_token":""}}""",
        "access_token: must not be empty")]
    [InlineData(
        """{"provider":"anthropicGoogleCloud","project_id":"p","workspace_id":"w","auth":{"service_account_json":""}}""",
        "service_account_json: must not be empty")]
    [InlineData("""{"provider":"mantle","region":"us-east-1"}""", "models: is required")]
    [InlineData("""{"provider":"anthropicAws","region":"US_EAST","workspace_id":"w"}""", "must be an AWS region")]
    [InlineData(
        """{"provider":"anthropicGoogleCloud","project_id":"p/q","workspace_id":"w"}""",
        "must be a Google Cloud project id")]
    [InlineData("""{"provider":"vertex"}""", "upstreams[0].project_id: is required")]
    [InlineData("""{"provider":"foundry","resource":"a_b","auth":{"api_key":"k"}}""", "2 to 64 letters")]
    [InlineData("""{"provider":"foundry","resource":"ab","auth":{"use_azure_ad":false}}""", "must be true or absent")]
    [InlineData(
        """{"provider":"foundry","resource":"ab","auth":{"use_azure_ad":true,"api_key":"k"}}""",
        "exactly one of api_key and use_azure_ad")]
    public void A_broken_rule_of_an_upstream_is_explained(string upstream, string expected) =>
        Assert.Contains(
            Yaml.Read(Yaml.WithUpstream(upstream)).Errors, error => error.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData(
        """{"provider":"anthropic","auth":{"api_key":"k"}},{"provider":"anthropic","auth":{"api_key":"k"}}""",
        "duplicate upstream name 'anthropic'")]
    [InlineData(
        """{"provider":"bedrock","region":"r","guardrail":{"id":"g","version":"1"}},{"name":"b","provider":"bedrock","region":"r"}""",
        "has no guardrail while another")]
    [InlineData(
        """{"provider":"bedrock","region":"r","guardrail":{"id":"g","version":"1"}},{"provider":"mantle","region":"r","models":["a"]}""",
        "cannot apply the guardrail")]
    public void Upstreams_must_agree(string upstreams, string expected) =>
        Assert.Contains(
            expected, Assert.Single(Yaml.Read(Yaml.WithUpstream(upstreams)).Errors), StringComparison.Ordinal);

    [Theory]
    [InlineData("claude-haiku-4-5", "claude-haiku-4-5-20251001", true)]
    [InlineData("claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-6", true)]
    [InlineData("claude-opus-4-6", "us.anthropic.claude-opus-4-6-v1", true)]
    [InlineData("mine", "MINE", true)]
    [InlineData("foo", "foo-20251001", false)]
    [InlineData("claude-sonnet-4-6", "claude-opus-4-6", false)]
    public void Two_price_rows_for_one_model_are_refused_in_any_spelling(string first, string second, bool isRefused)
    {
        static string Row(string model) =>
            $$"""{"upstream":"anthropic","model":"{{model}}","input":1,"output":1,"cache_read":1,"cache_write":1}""";
        var result = Yaml.Read(
            Yaml.With($$$"""{"admin":{},"pricing":{"overrides":[{{{Row(first)}}},{{{Row(second)}}}]}}"""));
        Assert.Equal(
            isRefused,
            result.Errors.Any(
                error => error.Contains("a second time; overrides[0] already does", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"session":{"ttl_hours":1000}}""", "longer than a week")]
    [InlineData("""{"listen":{"public_url":"http://gw.example.com"}}""", "is plain http")]
    [InlineData(
        """{"models":[{"id":"a","upstream_model":{"anthropic":"x"}},{"id":"a","upstream_model":{"anthropic":"y"}}]}""",
        "model id 'a' is given twice")]
    [InlineData("""{"admin":{"admin_groups":["  "]}}""", "has a blank entry")]
    [InlineData(
        """{"admin":{"write_keys":[{"id":"a","key":"k2345678901234567890123456789012"},{"id":"b","key":"k2345678901234567890123456789012"}]}}""",
        "have the same key")]
    [InlineData(
        """{"upstreams":[{"provider":"bedrock","region":"us-east-1","auth":{"aws_bearer_token":"b","aws_access_key_id":"a","aws_secret_access_key":"s"}}]}""",
        "the keys are ignored")]
    [InlineData(
        """{"upstreams":[{"provider":"vertex","region":"r","project_id":"p","auth":{"service_account_json":"/nope.json"}}]}""",
        "file /nope.json does not exist (yet)")]
    [InlineData(
        """{"upstreams":[{"provider":"bedrock","region":"US East","auth":{}}]}""", "not spelled like an AWS region")]
    [InlineData(
        """{"upstreams":[{"provider":"vertex","region":"us/east5","project_id":"p","auth":{}}]}""",
        "not spelled like a Google Cloud region")]
    [InlineData(
        """{"upstreams":[{"provider":"vertex","region":"us-east5","project_id":"My Project","auth":{}}]}""",
        "not spelled like a Google Cloud project id")]
    [InlineData("""{"managed":{"settings":"/nope.json"}}""", "file /nope.json does not exist; empty settings")]
    [InlineData("""{"managed":{"policies":[{"cli":{},"settings":{}}]}}""", "is ignored because cli")]
    [InlineData("""{"admin":{},"pricing":{"multiplier":1.5}}""", "a markup")]
    [InlineData("""{"listen":{"port":""}}""", "")]
    public void What_is_odd_but_possible_is_a_warning(string json, string expected)
    {
        var warnings = Yaml.ReadValid(Yaml.With(json)).Warnings;
        Assert.True(
            expected.Length == 0 || warnings.Any(warning => warning.Contains(expected, StringComparison.Ordinal)),
            string.Join('\n', warnings));
    }

    [Theory]
    [InlineData("postgres://u:a@b:c@h/db")]
    [InlineData("postgresql://u@/db?host=/var/run/postgresql")]
    [InlineData("postgres://u:%zz@[::1]:5433/db?sslmode=require")]
    [InlineData("postgres://h")]
    public void A_database_url_that_others_take_is_taken(string url) =>
        Yaml.ReadValid(Yaml.With($$"""{"store":{"postgres_url":"{{url}}"} }"""));

    [Fact]
    public void What_the_reference_takes_is_taken()
    {
        var config = Yaml.ReadValid(
            Yaml.With(
                """{"$schema":"https://x.example/s.json","oidc":{"scopes":[" openid ","email"],"allowed_groups":[" a b "]},"store":{"username":"","readiness_grace_seconds":"60"},"upstreams":[{"provider":"vertex","region":"r","project_id":"p","auth":{"access_token":""}}]}"""));
        Assert.Equal(["openid", "email"], config.Oidc.Scopes);
        Assert.Equal(["a b"], config.Oidc.AllowedGroups);
        Assert.Null(config.Store.Username);
        Assert.Equal(TimeSpan.FromMinutes(1), config.Store.ReadinessGrace);
    }

    [Fact]
    public void A_trailing_slash_of_the_public_url_is_dropped() =>
        Assert.Equal(
            "https://gw.example.com",
            Yaml.ReadValid(Yaml.With("""{"listen":{"public_url":"https://gw.example.com/"}}""")).Listen.PublicUrl);

    [Theory]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("10.1.2.3", "10.1.2.3/32")]
    [InlineData("fd00::1/8", "fd00::/8")]
    [InlineData("::/0", "::/0")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3/32")]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    [InlineData("::ffff:0:0/95", "::fffe:0:0/95")]
    public void A_CIDR_block_may_have_host_bits_or_be_an_address(string written, string network)
    {
        Assert.True(Values.TryParseCidr(written, out var parsed));
        Assert.Equal(IPNetwork.Parse(network), parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0/8")]
    [InlineData("010.0.0.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::1]")]
    [InlineData("10.0.0.1/")]
    public void Anything_else_is_no_CIDR_block(string written) => Assert.False(Values.TryParseCidr(written, out _));

    [Fact]
    public void A_settings_document_becomes_JSON_with_the_place_of_each_value()
    {
        var yaml = Yaml.Minimal + """

            managed:
              policies:
                - cli:
                    env: { "a/b~c": x }
                    cleanupPeriodDays: 30.0
            """;
        var document = Yaml.ReadValid(yaml).Managed!.Policies[0].Settings!;
        Assert.Equal("""{"env":{"a/b~c":"x"},"cleanupPeriodDays":30}""", document.Json.GetRawText());
        Assert.Equal("managed.policies[0].cli", document.Path);
        Assert.Equal(new ConfigPosition(18, 16), document.Positions["/env/a~1b~0c"]);
        Assert.Equal(new ConfigPosition(19, 9), document.Positions["/cleanupPeriodDays"]);
    }

    [Fact]
    public void A_problem_whose_allowed_values_hold_the_word_warn_is_also_told_without_it()
    {
        // Otherwise filters of log lines take the error for a warning.
        var errors =
            Yaml.Read(Yaml.With("""{"managed":{"policies":[{"desktop":{"otlpDesktopLogLevel":"trace"}}]}}""")).Errors;
        Assert.Contains(
            errors,
            error =>
                error.Contains("otlpDesktopLogLevel: has a value that is not allowed", StringComparison.Ordinal)
                && !error.Contains("warn", StringComparison.Ordinal));
        Assert.Contains(
            errors, error => error.Contains("must be off, error, warn, info or debug", StringComparison.Ordinal));
    }

    [Fact]
    public void An_unknown_settings_key_is_only_warned_about_where_the_file_says_so()
    {
        const string Policies = """{"policies":[{"cli":{"zzzKey":1}}]""";
        Assert.Contains(
            Yaml.Read(Yaml.With("{\"managed\":" + Policies + "}}")).Errors,
            error => error.Contains("managed.policies[0].cli.zzzKey", StringComparison.Ordinal));
        Assert.Contains(
            Yaml.ReadValid(Yaml.With("{\"managed\":" + Policies + ",\"unknown_settings\":\"warn\"}}")).Warnings,
            warning => warning.Contains("zzzKey", StringComparison.Ordinal));
    }
}
