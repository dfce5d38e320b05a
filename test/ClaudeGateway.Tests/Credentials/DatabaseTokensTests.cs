using System.Buffers.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials;

public sealed class DatabaseTokensTests : IDisposable
{
    private const string Rds = "db.c1a2b3.eu-central-1.rds.amazonaws.com";
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Signatures that a program of its own made, after AWS's description of the algorithm.</summary>
    [Theory]
    [InlineData("gate way@x", null, "2d57d3c5af0e64c0311e9af1ba7c6f8904ea1401ca662a7373f575d9c8d4257a")]
    [InlineData("gateway", "tok/en+==", "56f061537ca23fde947ae50c298bf4db0cd438f813d9b8cdbf038777fb588709")]
    public void A_token_of_RDS_is_a_signed_URL_without_its_scheme(string user, string? session, string signature)
    {
        var token = RdsAuthToken.Create(
            new PostgresTarget.Server(Rds, 5432),
            user,
            "eu-central-1",
            new AwsCredentials("AKIDEXAMPLE", SecretKey, session),
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        Assert.Equal(
            $"{Rds}:5432/?Action=connect&DBUser={Uri.EscapeDataString(user)}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Frds-db%2Faws4_request"
                + "&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900"
                + (session is null ? "" : $"&X-Amz-Security-Token={Uri.EscapeDataString(session)}")
                + $"&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}",
            token);
    }

    [Theory]
    [InlineData(Rds, null, null, "eu-central-1")]
    [InlineData("db.c1.us-gov-west-1.rds.amazonaws.com", null, "us-east-1", "us-gov-west-1")]
    [InlineData("db.c1.rds.cn-north-1.amazonaws.com.cn", null, null, "cn-north-1")]
    [InlineData(Rds + ".example.com", null, "ap-south-1", "ap-south-1")]
    [InlineData(Rds, "us-west-2", null, "us-west-2")]
    [InlineData("db.example.com", null, "ap-south-1", "ap-south-1")]
    public async Task The_region_is_the_keys_the_names_or_the_environments(
        string host, string? key, string? variable, string expected)
    {
        var environment = new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE",
            ["AWS_SECRET_ACCESS_KEY"] = SecretKey,
        };
        if (variable is not null)
        {
            environment["AWS_REGION"] = variable;
        }

        using var calls = new CloudCalls(environment);
        var tokens = new DatabaseTokens(StoreAuth.AwsIam, key, calls.Environment, calls.CredentialHttp, calls.Clock);
        var token = await tokens.GetAsync(new PostgresTarget.Server(host, 5432), "u", default);
        Assert.Contains($"%2F{expected}%2Frds-db%2F", token, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_region_the_key_is_named()
    {
        using var calls = new CloudCalls(new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE",
            ["AWS_SECRET_ACCESS_KEY"] = SecretKey,
        });
        var tokens = new DatabaseTokens(StoreAuth.AwsIam, null, calls.Environment, calls.CredentialHttp, calls.Clock);
        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => tokens.GetAsync(new PostgresTarget.Server("10.0.0.1", 5432), "u", default).AsTask());
        Assert.Contains("set store.aws_region, or AWS_REGION", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_Google_can_sign_in_to_databases_and_nothing_else()
    {
        const string answer = """{"access_token":"ya29.fake","token_type":"Bearer","expires_in":3600}""";
        await using var google = new FakeServer(e => e.RespondAsync(200, answer, ("content-type", "application/json")));
        var file = _folder.File("key.json");
        await GoogleServiceAccount.WriteAsync(file, new Uri(google.Url, "token"));
        using var calls = new CloudCalls(
            new Dictionary<string, string> { ["GOOGLE_APPLICATION_CREDENTIALS"] = file });
        var tokens = new DatabaseTokens(
            StoreAuth.GoogleIam, null, calls.Environment, calls.CredentialHttp, calls.Clock);
        Assert.Equal("ya29.fake", await tokens.GetAsync(new PostgresTarget.Server("h", 5432), "u", default));
        var form = Assert.Single(google.Requests).Form;
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(form["assertion"].Split('.')[1]));
        Assert.Equal(
            "https://www.googleapis.com/auth/sqlservice.login", claims.RootElement.GetProperty("scope").GetString());
    }

    [Fact]
    public async Task A_token_of_Entra_is_one_for_databases_and_asked_for_once_while_it_holds()
    {
        const string answer = """{"access_token":"entra.fake","token_type":"Bearer","expires_in":3600}""";
        await using var entra = new FakeServer(e => e.RespondAsync(200, answer, ("content-type", "application/json")));
        using var certificate = new CertificateFiles("login.microsoftonline.com");
        await using var proxy = new ForwardProxy(
            new Dictionary<string, int> { ["login.microsoftonline.com:443"] = entra.Port }, certificate.Load());
        using var calls = new CloudCalls(await EntraAsync(certificate, proxy));
        var tokens = new DatabaseTokens(StoreAuth.Entra, null, calls.Environment, calls.CredentialHttp, calls.Clock);

        Assert.Equal("entra.fake", await tokens.GetAsync(new PostgresTarget.Server("h", 5432), "u", default));
        Assert.Equal("entra.fake", await tokens.GetAsync(new PostgresTarget.Server("h", 5432), "u", default));

        var asked = Assert.Single(entra.Requests, request => request.Path == "/tenant/oauth2/v2.0/token");
        Assert.Contains(
            "https://ossrdbms-aad.database.windows.net/.default", asked.Form["scope"], StringComparison.Ordinal);
        Assert.Equal("client_credentials", asked.Form["grant_type"]);
    }

    [Fact]
    public async Task What_Entra_refuses_with_is_told_without_the_secret()
    {
        const string answer = """{"error":"invalid_client","error_description":"AADSTS7000215: Invalid secret."}""";
        await using var entra = new FakeServer(e => e.RespondAsync(401, answer, ("content-type", "application/json")));
        using var certificate = new CertificateFiles("login.microsoftonline.com");
        await using var proxy = new ForwardProxy(
            new Dictionary<string, int> { ["login.microsoftonline.com:443"] = entra.Port }, certificate.Load());
        using var calls = new CloudCalls(await EntraAsync(certificate, proxy));
        var tokens = new DatabaseTokens(StoreAuth.Entra, null, calls.Environment, calls.CredentialHttp, calls.Clock);

        var failure = await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => tokens.GetAsync(new PostgresTarget.Server("h", 5432), "u", default).AsTask());

        Assert.Contains("AADSTS7000215: Invalid secret.", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("entra-secret", failure.ToString(), StringComparison.Ordinal);
    }

    private async Task<Dictionary<string, string>> EntraAsync(CertificateFiles certificate, ForwardProxy proxy)
    {
        var authority = _folder.File("authority.pem");
        await File.WriteAllTextAsync(authority, certificate.AuthorityPem);
        return new Dictionary<string, string>
        {
            ["AZURE_TENANT_ID"] = "tenant",
            ["AZURE_CLIENT_ID"] = "client",
            ["AZURE_CLIENT_SECRET"] = "entra-secret",
            ["HTTPS_PROXY"] = proxy.Url,
            ["NODE_EXTRA_CA_CERTS"] = authority,
        };
    }
}
