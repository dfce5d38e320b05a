using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Credentials;

/// <summary>
/// Whatever a token endpoint or a collector answers is its failure: no credential, an export that failed; never an
/// exception of another kind.
/// </summary>
public sealed class BrokenTokenAnswerTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server;
    private string _answer = "";

    public BrokenTokenAnswerTests() => _server = new FakeServer(async exchange =>
    {
        await exchange.WriteRawAsync(Encoding.Latin1.GetBytes(_answer));
        exchange.Close();
    });

    private static IEnumerable<string> Answers =>
        from head in Heads from body in Bodies select $"HTTP/1.1 {head}\r\n\r\n{body}";

    private static string[] Heads =>
    [
        "200 OK\r\ncontent-type: application/json",
        "200 OK\r\ncontent-type: text/xml",
        "200 OK\r\ncontent-type: text/html\r\ncontent-length: -5",
        "200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip",
        "200 OK\r\ncontent-type: ///; charset=nonsense",
        "2x0 OK",
        "101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade",
        "302 Found\r\nlocation: \u00ff",
        "400 Bad\r\ncontent-type: application/json",
        "500 Bad\r\nretry-after: -1\r\ndate: never",
    ];

    private static string[] Bodies =>
    [
        "", "{", "[]", "null", "<html>", "<a><b></a>", "{\"access_token\":{},\"expires_in\":\"\"}",
            "{\"access_token\":\"\\u0007\",\"expires_in\":3600}",
            "{\"access_token\":\"\\ud800\",\"expires_in\":3600,\"token_type\":\"Bearer\"}",
        "{\"AccessKeyId\":\"\\ud800\",\"SecretAccessKey\":\"s\"}",
            "{\"error\":{\"\\ud800\":1},\"error_description\":7}",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult/></AssumeRoleWithWebIdentityResponse>",
            new string('[', 5000),
    ];

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task No_answer_of_a_token_endpoint_is_anything_but_no_credential()
    {
        var file = _folder.File("identity");
        await File.WriteAllTextAsync(file, "jwt");
        var account = _folder.File("account.json");
        await GoogleServiceAccount.WriteAsync(account, new Uri(_server.Url, "token"));
        var url = _server.Url.ToString();
        foreach (var answer in Answers)
        {
            _answer = answer;
            using var calls = new CloudCalls(new Dictionary<string, string>
            {
                ["HOME"] = _folder.Path,
                ["GCE_METADATA_HOST"] = $"127.0.0.1:{_server.Port}",
            });
            using var http = calls.Client();
            (string Name, Func<Task> Ask)[] sources =
            [
                ("federation", () =>
                    new FederationTokens(new AnthropicAuth.Federation("r", "o", file, null, null), url.TrimEnd('/'),
                    http, calls.Clock).GetAsync(default).AsTask()),
                ("web identity", () =>
                    AwsAsync(calls, ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
                    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gw"), ("AWS_ENDPOINT_URL_STS", url))),
                ("container", () => AwsAsync(calls, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url))),
                ("instance", () => AwsAsync(calls, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url))),
                ("service account", () =>
                    new GoogleTokens(account, calls.Environment, calls.CredentialHttp, calls.Clock).GetAsync(default)
                    .AsTask()),
                ("metadata server", () =>
                    new GoogleTokens(null, calls.Environment, calls.CredentialHttp, calls.Clock).GetAsync(default)
                    .AsTask()),
            ];
            foreach (var (name, ask) in sources)
            {
                Assert.Equal((name, answer, nameof(UpstreamUnavailableException)),
                    (name, answer, (await Record.ExceptionAsync(ask))?.GetType().Name));
            }
        }
    }

    [Fact]
    public async Task No_answer_of_a_collector_throws()
    {
        using var calls = new CloudCalls();
        using var http = calls.Client();
        var sender = new OtlpSender(new TelemetryDestination { Url = _server.Url }, null, http, calls.Clock);
        foreach (var answer in Answers)
        {
            _answer = answer;

            var sent = await sender.SendAsync(new OtlpExport(OtlpSignal.Logs, [1], null, null), default);

            // What follows a status of success is no business of the relay's.
            Assert.Equal(
                (answer, answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)
                && !answer.Contains("-5", StringComparison.Ordinal)), (answer, sent.IsAccepted));
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_body_that_is_not_in_its_coding_fails_as_a_broken_connection_does(string coding)
    {
        _answer = $"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\nplain text";
        using var calls = new CloudCalls();
        using var http = calls.Client(new OutboundOptions { Decompression = System.Net.DecompressionMethods.All });
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Url);
        using var response = await http.SendAsync(request, default);
        await using var body = await response.Content.ReadAsStreamAsync();

        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadExactlyAsync(new byte[1]).AsTask());
    }

    private static Task<AwsCredentials> AwsAsync(CloudCalls calls, params (string Name, string Value)[] variables)
    {
        var environment =
            new ProcessEnvironment(variables.Append(("HOME", calls.Environment["HOME"]!))
            .ToDictionary(v => v.Item1, v => v.Item2));
        return new CredentialCache<AwsCredentials>(
            new AwsCredentialChain(environment, calls.CredentialHttp).ResolveAsync, calls.Clock).GetAsync(default)
            .AsTask();
    }
}
