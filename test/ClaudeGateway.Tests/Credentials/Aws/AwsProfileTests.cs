using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials.Aws;

/// <summary>
/// What the AWS SDK asks for while it reads a profile. STS has no address of ours: it is reached by name through a
/// proxy.
/// </summary>
public sealed class AwsProfileTests : IAsyncDisposable
{
    private const string Refusal =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";

    private const string Sts = "sts.us-east-1.amazonaws.com";

    private readonly FakeServer _sts;
    private readonly CertificateFiles _files = new(Sts);
    private readonly TemporaryFolder _folder = new();
    private readonly ForwardProxy _proxy;

    private bool _refuses;

    public AwsProfileTests()
    {
        _sts = new FakeServer(exchange => exchange.RespondAsync(
            _refuses ? 403 : 200,
            _refuses ? Refusal : Session(exchange.Request.Form["Action"]),
            ("content-type", "text/xml")));
        _proxy = new ForwardProxy(new Dictionary<string, int> { [$"{Sts}:443"] = _sts.Port }, _files.Load());
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _sts.DisposeAsync();
        _files.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("source_profile = keys", "AssumeRole")]
    [InlineData("web_identity_token_file = TOKEN", "AssumeRoleWithWebIdentity")]
    public async Task A_role_of_a_profile_is_assumed_through_the_proxy_and_with_the_extra_authorities(string how,
        string action)
    {
        var token = _folder.File("token");
        await File.WriteAllTextAsync(token, "jwt");
        var profiles = _folder.File("credentials");
        await File.WriteAllTextAsync(profiles, $"""
            [keys]
            aws_access_key_id = AKID
            aws_secret_access_key = secret
            [role]
            role_arn = arn:aws:iam::123456789012:role/gw
            role_session_name = gw
            region = us-east-1
            {how.Replace("TOKEN", token, StringComparison.Ordinal)}
            """);
        using var calls = Calls(profiles);

        var lease = await new AwsCredentialChain(calls.Environment, calls.CredentialHttp).ResolveAsync(default);

        Assert.Equal(("ASIAROLE", "role-token", 2099),
            (lease.Value.AccessKeyId, lease.Value.SessionToken, lease.ExpiresAt?.Year));
        Assert.Equal(action, Assert.Single(_sts.Requests).Form["Action"]);
        Assert.Equal([$"CONNECT {Sts}:443 HTTP/1.1"], _proxy.Asked);
    }

    [Fact]
    public async Task A_role_that_STS_does_not_give_is_no_credential()
    {
        _refuses = true;
        var profiles = _folder.File("credentials");
        await File.WriteAllTextAsync(profiles, """
            [keys]
            aws_access_key_id = AKID
            aws_secret_access_key = secret
            [role]
            role_arn = arn:aws:iam::123456789012:role/gw
            source_profile = keys
            region = us-east-1
            """);
        using var calls = Calls(profiles);

        var failure =
            await Assert.ThrowsAsync<UpstreamUnavailableException>(() =>
            new AwsCredentialChain(calls.Environment, calls.CredentialHttp).ResolveAsync(default));

        Assert.Contains("AWS profile 'role'", failure.Message, StringComparison.Ordinal);
        Assert.Single(_sts.Requests);
    }

    private CloudCalls Calls(string profiles)
    {
        var authority = _folder.File("ca.pem");
        File.WriteAllText(authority, _files.AuthorityPem);
        return new CloudCalls(new Dictionary<string, string>
        {
            ["HOME"] = _folder.Path,
            ["AWS_SHARED_CREDENTIALS_FILE"] = profiles,
            ["AWS_PROFILE"] = "role",
            ["AWS_EC2_METADATA_DISABLED"] = "true",
            ["HTTPS_PROXY"] = _proxy.Url,
            ["NODE_EXTRA_CA_CERTS"] = authority,
        });
    }

    private static string Session(string action) => $"""
        <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
          <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>
          <SessionToken>role-token</SessionToken><Expiration>2099-07-01T00:00:00Z</Expiration>
        </Credentials></{action}Result></{action}Response>
        """;
}
