using System.Security.Cryptography;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.SignIn;

public sealed class GoogleGroupsTests : IAsyncDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly FakeServer _google;
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler());
    private Func<FakeExchange, Task>? _directory;
    private Func<FakeExchange, Task> _token =
        exchange => exchange.RespondJsonAsync(200, new { access_token = "ya29.token", expires_in = 3600 });

    public GoogleGroupsTests()
    {
        _google = new FakeServer(exchange => exchange.Request.Path == "/token"
            ? _token(exchange)
            : _directory!(exchange));
        using var key = RSA.Create(2048);
        File.WriteAllText(_file, JsonSerializer.Serialize(new
        {
            client_email = "sa@project.example",
            private_key = key.ExportPkcs8PrivateKeyPem(),
            token_uri = $"{_google.LocalUrl}/token",
        }));
    }

    public async ValueTask DisposeAsync()
    {
        await _google.DisposeAsync();
        _client.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public async Task All_pages_are_read_and_the_access_token_is_used_again()
    {
        _directory = exchange => exchange.Request.Query.ContainsKey("pageToken")
            ? exchange.RespondJsonAsync(200, new { groups = new[] { new { email = "two@example.com" } } })
            : exchange.RespondJsonAsync(
                200, new { groups = new[] { new { email = "One@Example.com" } }, nextPageToken = "p 2" });
        using var groups = Groups();
        Assert.Equal(["one@example.com", "two@example.com"], await groups.OfAsync("alice+x@example.com"));
        await groups.OfAsync("bob@example.com");
        Assert.Single(_google.Requests, request => request.Path == "/token");
        Assert.Equal(
            "alice+x@example.com", _google.Requests.First(request => request.Path == "/groups").Query["userKey"]);
    }

    [Fact]
    public async Task Somebody_without_groups_has_none()
    {
        _directory = exchange => exchange.RespondJsonAsync(200, new { kind = "admin#directory#groups" });
        using var groups = Groups();
        Assert.Empty(await groups.OfAsync("alice@example.com"));
    }

    [Fact]
    public async Task A_refusal_says_what_to_check()
    {
        _directory = exchange =>
            exchange.RespondJsonAsync(403, new { error = new { code = 403, message = "Not Authorized" } });
        using var groups = Groups();
        var failure = await Assert.ThrowsAsync<IdentityProviderUnavailableException>(
            () => groups.OfAsync("alice@example.com"));
        Assert.Contains("domain-wide delegation", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"groups\":\"all\"}")]
    [InlineData("{\"groups\":{\"email\":\"one@example.com\"}}")]
    [InlineData("{\"groups\":[\"one@example.com\"]}")]
    [InlineData("{\"groups\":[{\"email\":\"one@example.com\"},{\"name\":\"two\"}]}")]
    [InlineData("{\"groups\":[{\"email\":\"\\ud800@example.com\"}]}")]
    [InlineData("{\"groups\":null}")]
    [InlineData("[]")]
    [InlineData("groups")]
    public async Task A_broken_answer_is_Googles_failure_and_nobody_without_groups(string answer)
    {
        _directory = exchange => exchange.RespondAsync(200, answer, ("content-type", "application/json"));
        using var groups = Groups();
        await Assert.ThrowsAsync<IdentityProviderUnavailableException>(() => groups.OfAsync("alice@example.com"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"access_token\":7}")]
    [InlineData("{\"access_token\":\"\\ud800\"}")]
    [InlineData("no token")]
    public async Task A_broken_token_is_Googles_failure(string answer)
    {
        _token = exchange => exchange.RespondAsync(200, answer, ("content-type", "application/json"));
        using var groups = Groups();
        await Assert.ThrowsAsync<IdentityProviderUnavailableException>(() => groups.OfAsync("alice@example.com"));
    }

    [Theory]
    [InlineData("1e300")]
    [InlineData("-5")]
    [InlineData("\"soon\"")]
    public async Task Whatever_lifetime_a_token_claims_it_is_used(string seconds)
    {
        _token = exchange => exchange.RespondAsync(
            200,
            $$"""{"access_token":"ya29.token","expires_in":{{seconds}}}""",
            ("content-type", "application/json"));
        _directory = exchange => exchange.RespondJsonAsync(200, new { groups = new[] { new { email = "a@b.c" } } });
        using var groups = Groups();
        Assert.Equal(["a@b.c"], await groups.OfAsync("alice@example.com"));
    }

    [Fact]
    public void A_file_that_is_no_service_account_fails_boot_by_name()
    {
        File.WriteAllText(_file, "{}");
        Assert.Contains(_file, Assert.Throws<OperatorException>(Groups).Message, StringComparison.Ordinal);
    }

    private GoogleGroups Groups() =>
        new(
            new GoogleGroupsConfig(_file, "admin@example.com"),
            new IdpHttp(_client, TimeProvider.System),
            TimeProvider.System,
            new Uri($"{_google.LocalUrl}/groups"));
}
