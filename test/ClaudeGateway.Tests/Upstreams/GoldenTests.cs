using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Composition;
using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Upstreams;

/// <summary>
/// What each provider is sent for the same three client requests, and what a developer sees of its refusals, as whole
/// texts in Golden/. After an intended change run once with UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class GoldenTests
{
    private const string Message =
        """{"model":"claude-haiku-4-5","max_tokens":64,"tags":{"team":"a"},"stream":false,"messages":[{"role":"user","content":"h\u00e9 ☃"}],"n":12345678901234567890,"anthropic_beta":["own-beta"]}""";

    private static readonly AwsAuth Keys = new()
    {
        AccessKeyId = new Secret("AKIDEXAMPLE"),
        SecretAccessKey = new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        SessionToken = new Secret("SESSION"),
    };
    private static readonly GoogleAuth Token = new(null, new Secret("ya29.token"));
    private static readonly Dictionary<string, string> Headers = new() { ["x-source"] = "gateway" };

    public static TheoryData<string> Providers => [.. Configs.Keys];

    private static Dictionary<string, UpstreamConfig> Configs => new()
    {
        ["bedrock"] = new BedrockUpstreamConfig
        {
            Name = "bedrock",
            Region = "us-east-1",
            Auth = Keys,
            Headers = Headers,
            Guardrail = new GuardrailConfig("gr-1", "2"),
        },
        ["bedrock-bearer"] = new BedrockUpstreamConfig
        {
            Name = "bedrock",
            Region = "cn-north-1",
            Auth = new AwsAuth { BearerToken = new Secret("BEARER") }
        },
        ["mantle"] = new MantleUpstreamConfig
        {
            Name = "mantle",
            Region = "us-east-2",
            Auth = Keys,
            Headers = Headers,
            Models = ["*"],
        },
        ["anthropicAws"] = new ClaudePlatformAwsUpstreamConfig
        {
            Name = "platform",
            Region = "us-west-2",
            WorkspaceId = "wrkspc_1",
            Auth = Keys,
            Headers = Headers,
        },
        ["anthropicAws-key"] = new ClaudePlatformAwsUpstreamConfig
        {
            Name = "platform",
            Region = "us-west-2",
            WorkspaceId = "wrkspc_1",
            Auth = new AwsAuth { ApiKey = new Secret("KEY") }
        },
        ["anthropicGoogleCloud"] = new ClaudeOnGoogleCloudUpstreamConfig
        {
            Name = "google",
            ProjectId = "example-prod",
            WorkspaceId = "wrkspc_1",
            Auth = Token,
            Headers = Headers,
        },
        ["vertex"] = new VertexUpstreamConfig
        {
            Name = "vertex",
            Region = "us-east5",
            ProjectId = "example-prod",
            Auth = Token,
            Headers = Headers,
        },
        ["vertex-eu"] = new VertexUpstreamConfig
        {
            Name = "vertex",
            Region = "eu",
            ProjectId = "example-prod",
            Auth = Token,
        },
        ["foundry"] = new FoundryUpstreamConfig
        {
            Name = "foundry",
            Resource = "example",
            ApiKey = new Secret("KEY"),
            Headers = Headers,
        },
    };

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_request_is_translated(string name)
    {
        var text = new StringBuilder();
        foreach (var (title, stream, operation) in new[] { ("message", false, MessagesOperation.CreateMessage),
            ("stream", true, MessagesOperation.CreateMessage), ("count_tokens", false, MessagesOperation.CountTokens) })
        {
            var sent = new Recorder(HttpStatusCode.ServiceUnavailable, "");
            using var response = await SendAsync(
                Configs[name],
                sent,
                Message.Replace(
                    "\"stream\":false", stream ? "\"stream\":true" : "\"stream\":false", StringComparison.Ordinal),
                operation);
            text.Append(CultureInfo.InvariantCulture, $"### {title}\n{sent.Text}\n\n");
        }

        Compare($"{name}.requests.txt", text.ToString());
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_refusal_is_translated(string name)
    {
        var text = new StringBuilder();
        foreach (var (status, body) in Refusals())
        {
            using var response = await SendAsync(
                Configs[name],
                new Recorder((HttpStatusCode)status, body, ("retry-after", "7"), ("x-amzn-requestid", "amzn-1")),
                Message,
                MessagesOperation.CreateMessage);
            var headers = new HeaderDictionary();
            response.CopyHeaders(headers, null);
            var shown = await CloudCalls.BodyAsync(response);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{status} {body}\n  -> "
                    + $"{response.Status}{(response.FailoverStatus == response.Status ? "" : $" (judged as {response.FailoverStatus})")} {Shown(headers)}\n     {shown}\n");
        }

        Compare($"{name}.refusals.txt", text.ToString());
    }

    private static IEnumerable<(int Status, string Body)> Refusals()
    {
        foreach (var status in new[] { 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 424, 429, 500, 501, 503, 529 })
        {
            yield return (status, """{"message":"User arn:aws:iam::111122223333:role/x of project 12345"}""");
        }

        yield return (
            400,
            """{"type":"error","error":{"type":"invalid_request_error","message":"messages: at least one message is required"}}""");
        yield return (
            413,
            """{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}""");
        yield return (
            400,
            """{"error":{"code":400,"message":"prompt is too long: 205000 tokens > 200000 maximum","status":"INVALID_ARGUMENT"}}""");
        yield return (413, """{"message":"prompt is too long: 5 tokens > 4 maximum"}""");
        yield return (
            400, """{"message":"Unexpected value(s) `context-1m-2025-08-07` for the `anthropic-beta` header"}""");
        yield return (400, """{"message":"The provided model identifier is invalid."}""");
        yield return (
            400, """{"message":"Invocation of model ID anthropic.x with on-demand throughput isn’t supported."}""");
        yield return (429, """{"error":{"message":"quota of project 12345"}}""");
    }

    private static async Task<UpstreamResponse> SendAsync(
        UpstreamConfig config, HttpMessageHandler handler, string body, MessagesOperation operation)
    {
        using var calls = new CloudCalls(clock: new ManualTimeProvider());
        var upstream = UpstreamList.Create(config, calls.Context(handler));
        var call = CloudCalls.Call(
            body,
            operation,
            ("anthropic-beta", "context-1m-2025-08-07, request-tags-2026-08-21,oauth-2025-04-20"),
            ("anthropic-version", "2024-01-01"),
            ("user-agent", "claude-cli/9"),
            ("x-amzn-bedrock-trace", "ENABLED"),
            ("authorization", "Bearer of-the-developer"));
        return await upstream.SendAsync(
            call, upstream.BuiltInModelId(BuiltInModels.Find("claude-haiku-4-5")!)!, CancellationToken.None);
    }

    private static string Shown(HeaderDictionary headers) =>
        string.Join(
            "; ",
            headers.Where(h => !h.Key.Equals("content-length", StringComparison.OrdinalIgnoreCase))
            .Select(h => $"{h.Key}: {h.Value}"));

    private static void Compare(string file, string actual, [CallerFilePath] string source = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(source)!, "Golden", file);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") is "1")
        {
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path), actual);
    }

    /// <summary>Takes down one request as text, and answers it.</summary>
    private sealed class Recorder(HttpStatusCode status, string body, params (string Name, string Value)[] headers)
        : HttpMessageHandler
    {
        public string Text { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var text = new StringBuilder($"{request.Method} {request.RequestUri}\n");
            foreach (var (name, values) in request.Headers.NonValidated.Concat(request.Content!.Headers.NonValidated)
                .OrderBy(h => h.Key, StringComparer.OrdinalIgnoreCase))
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{name}: "
                        + $"{string.Join(", ", values).Replace("cc-gateway/" + typeof(GatewayApp).Assembly.GetName().Version!.ToString(3), "cc-gateway/VERSION", StringComparison.Ordinal)}\n");
            }

            var sent = await request.Content.ReadAsStringAsync(cancellationToken);
            text.Append('\n').Append(sent);
            if (sent.Contains("\"invokeModel\"", StringComparison.Ordinal))
            {
                using var json = JsonDocument.Parse(sent);
                text.Append('\n').Append("(decoded) ").Append(
                    Encoding.UTF8.GetString(
                        json.RootElement.GetProperty("input").GetProperty("invokeModel").GetProperty("body")
                            .GetBytesFromBase64()));
            }

            Text = text.ToString();
            var response = new HttpResponseMessage(status) { Content = new StringContent(body) };
            foreach (var (name, value) in headers)
            {
                response.Headers.TryAddWithoutValidation(name, value);
            }

            return response;
        }
    }
}
