using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Web;
using ClaudeGateway.Dev;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Dev;

/// <summary>The development identity provider's back channel; its page is tested in a browser.</summary>
public sealed class DevIdentityProviderTests : IAsyncLifetime
{
    private const string Gateway = "http://localhost:1";
    private const string Verifier = "a-verifier-of-at-least-forty-three-characters-here";

    private readonly RSA _key = RSA.Create(2048);
    private readonly ManualTimeProvider _clock = new();
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private DevServer? _server;
    private string _issuer = "";

    public async ValueTask InitializeAsync()
    {
        var client = new DevClient("c", "s+e:c r%t", Gateway);
        _server = await DevServer.StartAsync(
            0,
            "test",
            url => new DevIdentityProvider(url, client, new DevTokens(_key, url, _clock), _clock).HandleAsync,
            CancellationToken.None);
        _issuer = _server.Url;
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _http.Dispose();
        _key.Dispose();
    }

    [Fact]
    public async Task A_code_becomes_tokens_once()
    {
        var code = await CodeAsync();
        var (status, json) = await RedeemAsync(code);
        Assert.Equal(200, status);
        var claims = JsonDocument.Parse(
            Base64Url.DecodeFromChars(json.GetProperty("id_token").GetString()!.Split('.')[1])).RootElement;
        Assert.Equal(
            ("ada", "n-1", "c", _issuer),
            (
                claims.GetProperty("sub").GetString(),
                claims.GetProperty("nonce").GetString(),
                claims.GetProperty("aud").GetString(),
                claims.GetProperty("iss").GetString()));
        Assert.Equal("engineering", claims.GetProperty("groups")[0].GetString());

        Assert.Equal("invalid_grant", Error(await RedeemAsync(code)));
    }

    [Fact]
    public async Task A_code_is_good_for_a_minute()
    {
        var code = await CodeAsync();
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("invalid_grant", Error(await RedeemAsync(code)));
    }

    [Fact]
    public async Task A_code_needs_its_verifier() =>
        Assert.Equal("invalid_grant", Error(await RedeemAsync(await CodeAsync(), verifier: "another")));

    [Fact]
    public async Task A_code_needs_its_redirect_address() =>
        Assert.Equal("invalid_grant", Error(await RedeemAsync(await CodeAsync(), redirect: Gateway + "/elsewhere")));

    [Fact]
    public async Task The_client_may_authenticate_in_the_header()
    {
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"c:{Uri.EscapeDataString("s+e:c r%t")}"));
        Assert.Equal(
            "invalid_grant",
            Error(await PostAsync([("grant_type", "refresh_token"), ("refresh_token", "x")], $"Basic {pair}")));
    }

    [Theory]
    [InlineData("wrong", null)]
    [InlineData(null, "Basic ****")]
    [InlineData(null, "Basic Yzp3cm9uZw==")]
    public async Task A_client_without_its_secret_is_refused(string? secret, string? header) =>
        Assert.Equal(
            "invalid_client",
            Error(
                await PostAsync(
                    [("grant_type", "refresh_token"), ("client_id", "c"), ("client_secret", secret ?? "")], header)));

    [Fact]
    public async Task A_refresh_token_brings_the_same_user_and_another_refresh_token()
    {
        var (_, first) = await RedeemAsync(await CodeAsync());
        var (status, second) = await PostAsync(
            [
                ("grant_type", "refresh_token"),
                ("refresh_token", first.GetProperty("refresh_token").GetString()!),
                .. Client]);
        Assert.Equal(200, status);
        Assert.NotEqual(first.GetProperty("refresh_token").GetString(),
            second.GetProperty("refresh_token").GetString());
        var user = await UserInfoAsync(second.GetProperty("access_token").GetString()!);
        Assert.Equal("ada@example.com", user.Json.GetProperty("email").GetString());
    }

    [Fact]
    public async Task Userinfo_needs_an_access_token()
    {
        var (_, tokens) = await RedeemAsync(await CodeAsync());
        Assert.Equal(401, (await UserInfoAsync(tokens.GetProperty("refresh_token").GetString()!)).Status);
    }

    private static (string Name, string Value)[] Client => [("client_id", "c"), ("client_secret", "s+e:c r%t")];

    private async Task<string> CodeAsync()
    {
        using var browser = new BrowserClient { FollowsRedirects = false, Headers = { ["Origin"] = _issuer } };
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));
        var url =
            $"{_issuer}/authorize?client_id=c&redirect_uri={Uri.EscapeDataString(Gateway + "/oauth/callback")}&response_type=code&scope=openid+offline_access&nonce=n-1&code_challenge={challenge}&code_challenge_method=S256";
        var page = await browser.PostFormAsync(new Uri(url), ("user", "ada"));
        return HttpUtility.ParseQueryString(page.Response.Headers.Location!.Query)["code"]!;
    }

    private Task<(int Status, JsonElement Json)> RedeemAsync(
        string code, string verifier = Verifier, string redirect = Gateway + "/oauth/callback") =>
        PostAsync(
            [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("code_verifier", verifier),
                ("redirect_uri", redirect),
                .. Client]);

    private async Task<(int Status, JsonElement Json)> PostAsync(
        (string Name, string Value)[] form, string? authorization = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _issuer + "/token")
        {
            Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
        };
        return await SendAsync(request, authorization);
    }

    private async Task<(int Status, JsonElement Json)> UserInfoAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _issuer + "/userinfo");
        return await SendAsync(request, $"Bearer {token}");
    }

    private async Task<(int Status, JsonElement Json)> SendAsync(HttpRequestMessage request, string? authorization)
    {
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using var response = await _http.SendAsync(request, CancellationToken.None);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }

    private static string? Error((int Status, JsonElement Json) answer) => answer.Json.GetProperty("error").GetString();
}
