using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Json;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams.Bedrock;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Upstreams.Bedrock;

public sealed class BedrockTests
{
    [Theory]
    [InlineData("us-east-1", "us.anthropic.m")]
    [InlineData("ca-central-1", "us.anthropic.m")]
    [InlineData("eu-west-1", "anthropic.m")]
    [InlineData("us-gov-west-1", "anthropic.m")]
    [InlineData("ap-northeast-1", "anthropic.m")]
    public void North_America_invokes_through_its_profile(string region, string id) =>
        Assert.Equal(id, BedrockModelId.InRegion("anthropic.m", region));

    [Theory]
    [InlineData("eu-west-1", "Eu", "eu.anthropic.m")]
    [InlineData("ap-northeast-1", "Jp", "jp.anthropic.m")]
    [InlineData("ap-southeast-2", "Au", "au.anthropic.m")]
    [InlineData("ap-south-1", "Apac", "apac.anthropic.m")]
    [InlineData("sa-east-1", "Global", "global.anthropic.m")]
    [InlineData("eu-west-1", "Us", "us.anthropic.m")]
    [InlineData("us-east-1", "None", "anthropic.m")]
    public void A_configured_profile_decides_whatever_the_region(
        string region, string profile, string id)
    {
        Assert.Equal(
            id, BedrockModelId.InRegion("anthropic.m", region, Enum.Parse<InferenceProfile>(profile)));
        Assert.Equal("anthropic.m", BedrockModelId.Foundation(id));
    }

    [Theory]
    [InlineData("us-east-1", null)]
    [InlineData("ca-central-1", null)]
    [InlineData("us-gov-west-1", null)]
    [InlineData("cn-north-1", null)]
    [InlineData("eu-central-1", "eu")]
    [InlineData("ap-northeast-1", "jp")]
    [InlineData("ap-southeast-2", "au")]
    [InlineData("ap-south-1", "apac")]
    [InlineData("me-central-1", "global")]
    public void The_profile_a_region_misses_is_known(string region, string? profile) =>
        Assert.Equal(
            profile, BedrockModelId.MissingProfile(region) is { } missing ? BedrockModelId.Word(missing) : null);

    [Theory]
    [InlineData("us.anthropic.m-v1:0", "anthropic.m-v1:0")]
    [InlineData("us-gov.anthropic.m", "anthropic.m")]
    [InlineData("apac.anthropic.m", "anthropic.m")]
    [InlineData("global.anthropic.m", "anthropic.m")]
    [InlineData("anthropic.m", "anthropic.m")]
    [InlineData("arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.m", "anthropic.m")]
    [InlineData("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.m-v1:0", "anthropic.m-v1:0")]
    [InlineData("arn:aws:bedrock:us-east-1:111111111111:provisioned-model/abcdef", null)]
    [InlineData("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/xyz", null)]
    [InlineData("my-model", null)]
    [InlineData("arn:aws:bedrock", null)]
    public void The_foundation_model_is_told_by_the_id_or_not_at_all(string id, string? foundation) =>
        Assert.Equal(foundation, BedrockModelId.Foundation(id));

    [Fact]
    public void Nothing_but_the_named_fields_of_a_body_changes()
    {
        const string rest =
            "\"messages\" : [ {\"role\":\"user\",\"content\":\"\\u00e9 😀\"} ],  "
                + "\"n\":12345678901234567890,\"d\":1.10,\"x\":null,\"x\":1";
        var body = Invoke("{\"model\":\"m\",\"stream\":true," + rest + ",\"tags\":{\"team\":\"a\"}}");
        Assert.Equal("{\"anthropic_version\":\"bedrock-2023-05-31\"," + rest + "}", body);
    }

    [Theory]
    [InlineData("""{"model":"m","anthropic_version":"mine"}""", """{"anthropic_version":"mine"}""")]
    [InlineData(
        """{"model":"m","anthropic_version":"v","anthropic_beta":["own"]}""",
        """{"anthropic_version":"v","anthropic_beta":["own"]}""")]
    public void What_the_client_wrote_for_Bedrock_is_kept(string body, string sent) => Assert.Equal(sent, Invoke(body));

    [Fact]
    public void Betas_of_the_header_join_those_of_the_body()
    {
        Assert.Equal(
            """{"anthropic_version":"v","anthropic_beta":["own","a","b"]}""",
            Invoke("""{"model":"m","anthropic_version":"v","anthropic_beta":["own"]}""", "a", "b"));
        Assert.Equal(
            """{"anthropic_beta":["a"],"anthropic_version":"v"}""",
            Invoke("""{"anthropic_version":"v","model":"m"}""", "a"));
    }

    [Theory]
    [InlineData("""{"model":"m"}""", """{"anthropic_version":"bedrock-2023-05-31","max_tokens":1}""")]
    [InlineData(
        """{"model":"m","max_tokens":7,"tools":[ ],"stream":true}""",
        """{"anthropic_version":"bedrock-2023-05-31","max_tokens":7,"stream":true}""")]
    [InlineData(
        """{"model":"m","thinking":{"budget_tokens":5000,"type":"enabled"}}""",
        """{"anthropic_version":"bedrock-2023-05-31","max_tokens":5001,"thinking":{"budget_tokens":5000,"type":"enabled"}}""")]
    [InlineData(
        """{"model":"m","max_tokens":1,"thinking":{"type":"adaptive"},"tools":[1],"anthropic_beta":["x"]}""",
        """{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"thinking":{"type":"adaptive"},"tools":[1]}""")]
    public void A_count_asks_for_what_CountTokens_takes(string body, string sent) =>
        Assert.Equal(sent, Text(BedrockBody.Count(Members(body), [])));

    [Fact]
    public void Only_countable_betas_are_counted_with() =>
        Assert.Equal(
            """{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["oauth-2025-04-20"],"max_tokens":1}""",
            Text(BedrockBody
                .Count(Members("""{"max_tokens":1,"model":"m"}"""), ["context-1m-2025-08-07", "oauth-2025-04-20"])));

    [Theory]
    [InlineData("""{"amazon-bedrock-guardrailConfig":{}}""", "amazon-bedrock-guardrailConfig")]
    [InlineData("""{"a":{"amazon-bedrock-x":1},"\u0061mazon-bedrock-trace":1}""", "amazon-bedrock-trace")]
    [InlineData("""{"Amazon-Bedrock-X":1}""", "Amazon-Bedrock-X")]
    [InlineData("""{"a":{"amazon-bedrock-x":1}}""", null)]
    public void A_field_that_steers_the_guardrail_is_found(string body, string? field) =>
        Assert.Equal(field, BedrockBody.FindReservedField(Members(body)));

    [Theory]
    [InlineData("a.b_c-d@example.com", "a.b_c-d@example.com")]
    [InlineData("a b+c/é=,@example.com", "a=20b+c=2F=C3=A9=3D,@example.com")]
    [InlineData("auth0|77", "auth0=7C77")]
    [InlineData(
        "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm@example.com",
        "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm@example.com")]
    [InlineData(
        "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll@example.com",
        "llllllllllllllllllllllllllllllllllllllllll=-88a684a2df3deaf40acd")]
    public void A_session_is_named_by_the_claim(string claim, string name) =>
        Assert.Equal(name, RoleSessionName.From(claim));

    [Theory]
    [InlineData(null, "alice+loadtest-7", "a@example.com", "alice", "claude-apps-gateway")]
    [InlineData("Sub", "alice", "a@example.com", null, "alice")]
    [InlineData("Email", "alice", "a@example.com", null, "a@example.com")]
    [InlineData("Sub", "alice+loadtest-7", "a@example.com", "alice", "alice")]
    [InlineData("Email", "alice+loadtest-7", "a@example.com", "alice", "a@example.com")]
    public void A_developer_made_up_by_a_load_test_has_the_session_of_the_real_one(
        string? claim, string sub, string email, string? playedBy, string name) =>
        Assert.Equal(
            name,
            RoleSessionName.Of(
                claim is null ? null : Enum.Parse<AssumeRoleSessionName>(claim), new Principal(sub, email, null, [])
                {
                    ExpiresAt = DateTimeOffset.MaxValue,
                    PlayedBy = playedBy,
                }));

    [Fact]
    public void Who_lacks_the_claim_has_no_session() =>
        Assert.Throws<UpstreamUnavailableException>(
            () => RoleSessionName.Of(AssumeRoleSessionName.Email, new Principal("bob", null, null, [])
            {
                ExpiresAt = DateTimeOffset.MaxValue,
            }));

    [Fact]
    public void What_the_gateway_asks_for_itself_is_signed_with_the_session_of_all() =>
        Assert.Equal(RoleSessionName.Shared, RoleSessionName.Of(AssumeRoleSessionName.Sub, null));

    private static JsonMembers Members(string body) =>
        MessagesRequest.Read(Encoding.UTF8.GetBytes(body)).Request?.Members
        ?? JsonMembers.Of(Encoding.UTF8.GetBytes(body));

    private static string Invoke(string body, params string[] betas) => Text(BedrockBody.Invoke(Members(body), betas));

    private static string Text(ReadOnlyMemory<byte>[] pieces) =>
        string.Concat(pieces.Select(piece => Encoding.UTF8.GetString(piece.Span)));
}
