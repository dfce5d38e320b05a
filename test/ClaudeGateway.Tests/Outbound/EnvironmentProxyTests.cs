using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Tests.Outbound;

public sealed class EnvironmentProxyTests
{
    [Theory]
    [InlineData("http://api.example.com/", "http://plain.proxy:3128/")]
    [InlineData("https://api.example.com/", "http://tls.proxy:3129/")]
    [InlineData("http://127.0.0.1:9/", "http://plain.proxy:3128/")]
    public void The_proxy_follows_the_scheme_and_loopback_is_no_exception(string target, string proxy) =>
        Assert.Equal(
            new Uri(proxy),
            Create(("HTTP_PROXY", "plain.proxy:3128"), ("HTTPS_PROXY", "http://tls.proxy:3129"))
            .GetProxy(new Uri(target)));

    [Theory]
    [InlineData("*", "https://api.example.com/", true)]
    [InlineData("example.com", "https://api.example.com/", true)]
    [InlineData(".example.com", "https://api.example.com/", true)]
    [InlineData("*.example.com", "https://api.example.com/", true)]
    [InlineData("example.com", "https://notexample.com/", false)]
    [InlineData("api.example.com:8443", "https://api.example.com/", false)]
    [InlineData("api.example.com:443", "https://api.example.com/", true)]
    [InlineData("localhost,127.0.0.1", "http://127.0.0.1:9/", true)]
    [InlineData("::1", "http://[::1]:9/", true)]
    [InlineData("::1", "http://[::2]/", false)]
    [InlineData("fd00::10", "https://[fd00::10]/", true)]
    [InlineData("FD00:0::0010", "https://[fd00::10]/", true)]
    [InlineData("fd00::10", "https://[fd00::1]:10/", false)]
    [InlineData("[::1]", "http://[::1]:9/", true)]
    [InlineData("[::1]:8080", "http://[::1]:8080/", true)]
    [InlineData("[::1]:8080", "http://[::1]:8081/", false)]
    [InlineData("[fd00::10]:443", "https://[fd00::10]/", true)]
    [InlineData("10.0.0.1", "http://[::ffff:10.0.0.1]/", true)]
    [InlineData("10.0.0.1:80", "http://10.0.0.1/", true)]
    [InlineData("0.0.1", "http://10.0.0.1/", false)]
    [InlineData("[::1", "http://[::1]/", false)]
    [InlineData("a:b:c", "http://a/", false)]
    public void NO_PROXY_names_what_goes_direct(string noProxy, string target, bool direct) =>
        Assert.Equal(
            direct,
            Create(("HTTPS_PROXY", "http://p:1"), ("HTTP_PROXY", "http://p:1"), ("NO_PROXY", noProxy))
            .IsBypassed(new Uri(target)));

    [Fact]
    public void Lower_case_variables_count_too() =>
        Assert.Equal(
            new Uri("http://p:1"), Create(("https_proxy", "http://p:1")).GetProxy(new Uri("https://api.example.com/")));

    [Theory]
    [InlineData("HTTP_PROXY")]
    [InlineData("ALL_PROXY")]
    public void Without_HTTPS_PROXY_https_goes_the_way_of_http(string variable) =>
        Assert.Equal(
            new Uri("http://p:1"), Create((variable, "http://p:1")).GetProxy(new Uri("https://api.example.com/")));

    [Theory]
    [InlineData("ftp://p:1", false)]
    [InlineData("file:///p", false)]
    [InlineData("https://p:1", true)]
    [InlineData("socks5://p:1", true)]
    public void A_proxy_that_nobody_can_speak_to_is_refused_by_name(string proxy, bool isSpoken)
    {
        var problem = Record.Exception(() => Create(("HTTPS_PROXY", proxy)));

        Assert.Equal(!isSpoken, problem is OperatorException);
        Assert.Equal(!isSpoken, problem?.Message.Contains("HTTPS_PROXY", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Credentials_of_the_proxy_URL_are_decoded()
    {
        var credential = Create(("HTTPS_PROXY", "http://user:p%40ss@p:1")).Credentials?.GetCredential(
            new Uri("http://p:1"), "Basic");

        Assert.Equal(("user", "p@ss"), (credential?.UserName, credential?.Password));
    }

    [Theory]
    [InlineData("http://plain.proxy:3128", "http://user:secret@tls.proxy:3129", "http://plain.proxy:3128/", null)]
    [InlineData("http://plain.proxy:3128", "http://user:secret@tls.proxy:3129", "http://tls.proxy:3129/", "secret")]
    [InlineData("http://a:one@plain.proxy:3128", "http://b:two@tls.proxy:3129", "http://plain.proxy:3128/", "one")]
    [InlineData("http://a:one@plain.proxy:3128", "http://b:two@tls.proxy:3129", "http://tls.proxy:3129/", "two")]
    [InlineData("http://a:one@p:1", "http://b:two@p:1", "http://a:one@p:1/", "one")]
    [InlineData("http://a:one@p:1", "http://b:two@p:1", "http://b:two@p:1/", "two")]
    [InlineData("http://plain.proxy:3128", "http://user:secret@tls.proxy:3129", "http://tls.proxy:3130/", null)]
    public void A_proxy_is_offered_its_own_password_alone(string http, string https, string asking, string? password) =>
        Assert.Equal(password,
            Create(("HTTP_PROXY", http), ("HTTPS_PROXY", https)).Credentials?
            .GetCredential(new Uri(asking), "Basic")?.Password);

    [Fact]
    public void A_value_that_is_no_URL_stops_the_boot_and_names_the_variable() =>
        Assert.Contains(
            "HTTPS_PROXY",
            Assert.Throws<OperatorException>(() => Create(("HTTPS_PROXY", "http://"))).Message,
            StringComparison.Ordinal);

    private static EnvironmentProxy Create(params (string Name, string Value)[] variables) =>
        new(new ProcessEnvironment(variables.ToDictionary(v => v.Name, v => v.Value)));
}
