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
        Assert.Equal(new Uri(proxy), Create(("HTTP_PROXY", "plain.proxy:3128"), ("HTTPS_PROXY", "http://tls.proxy:3129")).GetProxy(new Uri(target)));

    [Theory]
    [InlineData("*", "https://api.example.com/", true)]
    [InlineData("example.com", "https://api.example.com/", true)]
    [InlineData(".example.com", "https://api.example.com/", true)]
    [InlineData("*.example.com", "https://api.example.com/", true)]
    [InlineData("example.com", "https://notexample.com/", false)]
    [InlineData("api.example.com:8443", "https://api.example.com/", false)]
    [InlineData("api.example.com:443", "https://api.example.com/", true)]
    [InlineData("localhost,127.0.0.1", "http://127.0.0.1:9/", true)]
    public void NO_PROXY_names_what_goes_direct(string noProxy, string target, bool direct) =>
        Assert.Equal(direct, Create(("HTTPS_PROXY", "http://p:1"), ("HTTP_PROXY", "http://p:1"), ("NO_PROXY", noProxy)).IsBypassed(new Uri(target)));

    [Fact]
    public void Lower_case_variables_count_too() =>
        Assert.Equal(new Uri("http://p:1"), Create(("https_proxy", "http://p:1")).GetProxy(new Uri("https://api.example.com/")));

    [Theory]
    [InlineData("HTTP_PROXY")]
    [InlineData("ALL_PROXY")]
    public void Without_HTTPS_PROXY_https_goes_the_way_of_http(string variable) =>
        Assert.Equal(new Uri("http://p:1"), Create((variable, "http://p:1")).GetProxy(new Uri("https://api.example.com/")));

    [Fact]
    public void Credentials_of_the_proxy_URL_are_decoded()
    {
        var credential = Create(("HTTPS_PROXY", "http://user:p%40ss@p:1")).Credentials?.GetCredential(new Uri("http://p:1"), "Basic");

        Assert.Equal(("user", "p@ss"), (credential?.UserName, credential?.Password));
    }

    [Fact]
    public void A_value_that_is_no_URL_stops_the_boot_and_names_the_variable() =>
        Assert.Contains("HTTPS_PROXY", Assert.Throws<OperatorException>(() => Create(("HTTPS_PROXY", "http://"))).Message, StringComparison.Ordinal);

    private static EnvironmentProxy Create(params (string Name, string Value)[] variables) =>
        new(new ProcessEnvironment(variables.ToDictionary(v => v.Name, v => v.Value)));
}
