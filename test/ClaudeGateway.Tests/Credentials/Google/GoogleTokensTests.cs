using System.Buffers.Text;
using System.Text.Json;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials.Google;

public sealed class GoogleTokensTests : IDisposable
{
    private const string Token = """{"access_token":"ya29.fake","token_type":"Bearer","expires_in":3600}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_service_account_uses_the_token_uri_of_its_file()
    {
        await using var google = new FakeServer(e => e.RespondAsync(200, Token, ("content-type", "application/json")));
        var file = _folder.File("account.json");
        await GoogleServiceAccount.WriteAsync(file, new Uri(google.Url, "token"));
        using var calls = new CloudCalls();
        var tokens = new GoogleTokens(file, calls.Environment, calls.CredentialHttp, calls.Clock);

        Assert.Equal(
            ["ya29.fake", "ya29.fake"],
            await Task.WhenAll(tokens.GetAsync(default).AsTask(), tokens.GetAsync(default).AsTask()));
        var form = Assert.Single(google.Requests).Form;
        Assert.Equal("urn:ietf:params:oauth:grant-type:jwt-bearer", form["grant_type"]);
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(form["assertion"].Split('.')[1]));
        Assert.Equal(
            ("a@p.iam.gserviceaccount.com", "https://www.googleapis.com/auth/cloud-platform"),
            (claims.RootElement.GetProperty("iss").GetString(), claims.RootElement.GetProperty("scope").GetString()));
    }

    [Fact]
    public async Task The_metadata_server_of_the_environment_is_asked()
    {
        await using var metadata = new FakeServer(
            e => e.RespondAsync(200, Token, ("content-type", "application/json"), ("metadata-flavor", "Google")));
        using var calls = new CloudCalls(new Dictionary<string, string>
        {
            ["GCE_METADATA_HOST"] = $"127.0.0.1:{metadata.Port}",
            ["HOME"] = _folder.Path,
        });
        var tokens = new GoogleTokens(null, calls.Environment, calls.CredentialHttp, calls.Clock);

        Assert.Equal("ya29.fake", await tokens.GetAsync(default));
        var request = Assert.Single(metadata.Requests);
        Assert.Equal(
            ("/computeMetadata/v1/instance/service-accounts/default/token", "Google"),
            (request.Path, request.Header("metadata-flavor")));
    }

    [Fact]
    public async Task A_refused_exchange_is_tried_once_and_not_remembered()
    {
        var status = 400;
        await using var google = new FakeServer(
            e =>
                e.RespondAsync(
                    status,
                    status == 200 ? Token : """{"error":"invalid_grant"}""",
                    ("content-type", "application/json")));
        var subject = _folder.File("subject");
        await File.WriteAllTextAsync(subject, "subject-token");
        var file = Write(
            new
            {
                type = "external_account",
                audience = "//iam.googleapis.com/x",
                subject_token_type = "urn:ietf:params:oauth:token-type:jwt",
                token_url = google.Url
                    + "v1/token",
                credential_source = new { file = subject }
            });
        using var calls = new CloudCalls();
        var tokens = new GoogleTokens(file, calls.Environment, calls.CredentialHttp, calls.Clock);

        await Assert.ThrowsAsync<UpstreamUnavailableException>(() => tokens.GetAsync(default).AsTask());
        Assert.Single(google.Requests);
        status = 200;
        Assert.Equal("ya29.fake", await tokens.GetAsync(default));
    }

    [Theory]
    [InlineData("{", "is not JSON")]
    [InlineData("{}", "has no \"type\"")]
    [InlineData("""{"type":"authorized_user"}""", null)]
    public async Task What_is_wrong_with_a_file_is_said_at_once(string content, string? problem)
    {
        var file = _folder.File("google.json");
        await File.WriteAllTextAsync(file, content);
        using var calls = new CloudCalls();
        var found = new GoogleTokens(file, calls.Environment, calls.CredentialHttp, calls.Clock).FileProblem();
        Assert.True(problem is null ? found is null : found!.Contains(problem, StringComparison.Ordinal), found);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_no_credential()
    {
        using var calls = new CloudCalls();
        var tokens = new GoogleTokens(_folder.File("absent.json"), calls.Environment, calls.CredentialHttp,
            calls.Clock);
        Assert.Contains("cannot be read", tokens.FileProblem(), StringComparison.Ordinal);
        await Assert.ThrowsAsync<UpstreamUnavailableException>(() => tokens.GetAsync(default).AsTask());
    }

    private string Write(object content)
    {
        var file = _folder.File("google.json");
        File.WriteAllText(file, JsonSerializer.Serialize(content));
        return file;
    }
}
