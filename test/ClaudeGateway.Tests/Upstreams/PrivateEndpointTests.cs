using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Upstreams;

/// <summary>AWS upstreams behind a VPC endpoint (PrivateLink), which has a host name of its own.</summary>
public sealed class PrivateEndpointTests
{
    private const string Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private static readonly AwsAuth Keys = new()
    {
        AccessKeyId = new Secret("AKIDEXAMPLE"),
        SecretAccessKey = new Secret(Secret),
    };

    [Theory]
    [InlineData("bedrock", false)]
    [InlineData("bedrock", true)]
    [InlineData("mantle", false)]
    [InlineData("mantle", true)]
    [InlineData("anthropicAws", false)]
    [InlineData("anthropicAws", true)]
    public async Task What_is_signed_is_the_endpoints_host_with_the_configured_region_and_the_services_name(
        string provider, bool counts)
    {
        using var calls = new CloudCalls();
        var seen = new Seen();
        var upstream = UpstreamList.Create(Config(provider), calls.Context(seen));
        using var response = await upstream.SendAsync(
            CloudCalls.Call(
                """{"model":"m","max_tokens":1,"messages":[]}""",
                counts ? MessagesOperation.CountTokens : MessagesOperation.CreateMessage),
            "anthropic.m",
            CancellationToken.None);

        Assert.Equal(Host(provider), seen.Uri!.Host);
        Assert.Equal(Host(provider), seen.HostHeader);
        Assert.True(seen.Check!.Valid);
        Assert.Contains("host", seen.Check.SignedHeaders);
        Assert.EndsWith("/eu-west-1/" + Service(provider) + "/aws4_request", seen.Check.Credential,
            StringComparison.Ordinal);
    }

    private static string Host(string provider) =>
        "vpce-0abc123-xyz." + (provider == "bedrock" ? "bedrock-runtime" : Service(provider))
            + ".eu-west-1.vpce.amazonaws.com";

    private static string Service(string provider) => provider switch
    {
        "bedrock" => "bedrock",
        "mantle" => "bedrock-mantle",
        _ => "aws-external-anthropic",
    };

    private static UpstreamConfig Config(string provider)
    {
        UpstreamConfig config = provider switch
        {
            "bedrock" => new BedrockUpstreamConfig { Region = "eu-west-1", Auth = Keys },
            "mantle" => new MantleUpstreamConfig { Region = "eu-west-1", Auth = Keys, Models = ["*"] },
            _ => new ClaudePlatformAwsUpstreamConfig { Region = "eu-west-1", WorkspaceId = "w", Auth = Keys },
        };
        return config with { BaseUrl = new Uri("https://" + Host(provider)) };
    }

    private sealed class Seen : HttpMessageHandler
    {
        public Uri? Uri { get; private set; }

        public string? HostHeader { get; private set; }

        public SigV4Check? Check { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Uri = request.RequestUri;
            HostHeader = request.Headers.Host;
            Check = SigV4Check.Of(request, await request.Content!.ReadAsByteArrayAsync(cancellationToken), Secret);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent("""{"inputTokens":1}""", Encoding.UTF8, "application/json"),
            };
        }
    }
}
