using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Managed;

public sealed class ProtocolPageTests
{
    [Fact]
    public async Task The_page_is_markdown_and_names_every_path_the_gateway_serves()
    {
        await using var idp = new FakeIdentityProvider();
        await using var upstream = new FakeUpstream();
        await using var gateway = await GatewayHost.StartAsync(
            TestConfig.Create(idp, [upstream]) with { Admin = new AdminConfig() });

        using var response = await gateway.GetAsync("/protocol");
        var page = await response.Content.ReadAsStringAsync();

        Assert.Equal(
            (HttpStatusCode.OK, "text/markdown"),
            (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.StartsWith("# ", page, StringComparison.Ordinal);
        Assert.All(gateway.Paths, path => Assert.Contains($"{path}`", page, StringComparison.Ordinal));
    }
}
