using System.Text;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Credentials.Aws;

public sealed class SigV4SignerTests
{
    private const string Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string Time = "20150830T123600Z";

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 11, 12, TimeSpan.Zero);

    /// <summary>
    /// Inputs and signatures of the "AWS Signature Version 4 test suite": one credential, region us-east-1, service
    /// "service".
    /// </summary>
    public static TheoryData<string, string, string, string, string, string, string> PublishedVectors => new()
    {
        { "get-vanilla", "GET", "/", "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
        { "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
        { "get-utf8", "GET", "/ሴ", "", "", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
        { "get-space", "GET", "/example space/", "", "", "",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
        { "get-vanilla-query-unreserved", "GET", "/",
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
        { "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
        { "get-header-key-duplicate", "GET", "/", "", "my-header1=value2,value2,value1", "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
        { "get-header-value-order", "GET", "/", "", "my-header1=value4,value1,value3,value2", "",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
        { "get-header-value-trim", "GET", "/", "", "my-header1= value1|my-header2= \"a   b   c\"", "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
        { "get-header-value-multiline (the suite joins the folded lines)", "GET", "/", "",
            "my-header1=value1,value2,value3", "", "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790" },
        { "get-vanilla-with-session-token", "GET", "/", "",
            "x-amz-security-token=6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267", "",
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8" },
        { "post-vanilla", "POST", "/", "", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
        { "post-header-key-sort", "POST", "/", "", "my-header1=value1", "",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
        { "post-x-www-form-urlencoded", "POST", "/", "", "content-type=application/x-www-form-urlencoded",
            "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
        { "post-x-www-form-urlencoded, signed body", "POST", "/", "",
            "content-length=13|content-type=application/x-www-form-urlencoded|x-amz-content-sha256=9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e", "Param1=value1", "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b" },
    };

    [Theory]
    [MemberData(nameof(PublishedVectors))]
    public void The_published_vectors_pass(
        string name, string method, string path, string query, string headers, string body, string signature)
    {
        Assert.NotEmpty(name);
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = "example.amazonaws.com",
            ["x-amz-date"] = Time,
        };
        foreach (var header in headers.Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = header.Split('=', 2);
            signed[pair[0]] = pair[1];
        }

        var signer = new SigV4Signer("us-east-1", "service");
        var authorization = signer.Authorization(
            method,
            path,
            query,
            signed,
            SigV4Signer.HexHash(Encoding.UTF8.GetBytes(body)),
            Time,
            new AwsCredentials("AKIDEXAMPLE", Secret, null));

        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + $"SignedHeaders={string.Join(';', signed.Keys)}, Signature={signature}",
            authorization);
    }

    [Theory]
    [InlineData(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke")]
    [InlineData(
        "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn:aws:bedrock:us-east-1:111:inference-profile%2Feu.anthropic.x/invoke")]
    [InlineData("http://127.0.0.1:4711/prefix/model/a%20b%3Fc%23d/count-tokens")]
    [InlineData("https://aws-external-anthropic.us-west-2.api.aws/v1/messages")]
    public void A_signed_request_passes_an_independent_check(string target)
    {
        var body = Encoding.UTF8.GetBytes("""{"messages":["é ☃"]}""");
        using var request = Request(target, body);
        request.Headers.TryAddWithoutValidation("x-source", "a   b ");
        request.Headers.TryAddWithoutValidation("User-Agent", "not/signed");
        new SigV4Signer("us-east-1", "bedrock").Sign(request, [body], new AwsCredentials("AKID", Secret, "TOKEN"), Now);

        var check = SigV4Check.Of(request, body, Secret);

        Assert.True(check.Valid);
        Assert.Equal("AKID/20261120/us-east-1/bedrock/aws4_request", check.Credential);
        Assert.Equal(
            ["content-type", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-source"],
            check.SignedHeaders);
    }

    /// <summary>
    /// The PUT of "Examples: Signature Calculations in AWS Signature Version 4" of the S3 API reference: the path is
    /// signed as it is sent.
    /// </summary>
    [Fact]
    public void S3_signs_the_path_as_it_is_sent()
    {
        const string hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["date"] = "Fri, 24 May 2013 00:00:00 GMT",
            ["host"] = "examplebucket.s3.amazonaws.com",
            ["x-amz-content-sha256"] = hash,
            ["x-amz-date"] = "20130524T000000Z",
            ["x-amz-storage-class"] = "REDUCED_REDUNDANCY",
        };
        Assert.Equal(
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            new SigV4Signer("us-east-1", "s3").Signature(
                "PUT",
                "/test%24file.text",
                "",
                headers,
                hash,
                "20130524T000000Z",
                new AwsCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null)));
    }

    [Fact]
    public void The_check_notices_a_changed_body()
    {
        using var request = Request("https://example.com/x", "a"u8.ToArray());
        new SigV4Signer("us-east-1", "bedrock")
        .Sign(request, ["a"u8.ToArray()], new AwsCredentials("AKID", Secret, null), Now);

        Assert.False(SigV4Check.Of(request, "b"u8.ToArray(), Secret).Valid);
    }

    [Fact]
    public void Other_credentials_do_not_sign_with_the_kept_key()
    {
        var signer = new SigV4Signer("us-east-1", "bedrock");
        using var first = Request("https://example.com/x", []);
        signer.Sign(first, [], new AwsCredentials("A", "first", null), Now);
        using var second = Request("https://example.com/x", []);
        signer.Sign(second, [], new AwsCredentials("B", "second", null), Now);
        using var nextDay = Request("https://example.com/x", []);
        signer.Sign(nextDay, [], new AwsCredentials("B", "second", null), Now.AddDays(1));

        Assert.True(SigV4Check.Of(first, [], "first").Valid);
        Assert.True(SigV4Check.Of(second, [], "second").Valid);
        Assert.True(SigV4Check.Of(nextDay, [], "second").Valid);
    }

    private static HttpRequestMessage Request(string target, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        return request;
    }
}
