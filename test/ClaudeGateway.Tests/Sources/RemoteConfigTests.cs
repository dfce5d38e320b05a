using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Process;
using ClaudeGateway.Sources;
using ClaudeGateway.Testing;
using ClaudeGateway.Tests.Config;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Sources;

public sealed class RemoteConfigTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server;
    private readonly ManualTimeProvider _clock = new() { JumpsAtMost = TimeSpan.FromSeconds(5) };
    private Func<FakeExchange, Task> _answer = Versioned;

    public RemoteConfigTests() => _server = new FakeServer(exchange => _answer(exchange));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_version_is_fetched_once_and_then_asked_for_by_its_ETag()
    {
        using var source = Open($"{_server.Url}gateway.yaml?token=s3cr3t");
        var fetched = await source.FetchAtStartAsync(default);
        Assert.Equal((Yaml.Minimal, "\"v1\""), (Encoding.UTF8.GetString(fetched.Bytes), fetched.ETag));
        var config = fetched.Read(Environment()).Config!;
        Assert.Equal(
            ($"{_server.Url}gateway.yaml?…", fetched.Sha256, "\"v1\""), (config.Path, config.Sha256, config.ETag));

        Assert.Null(await source.FetchAsync(fetched, default));

        Assert.Equal([null, "\"v1\""], _server.Requests.Select(request => request.Header("if-none-match")));
        Assert.All(_server.Requests, request => Assert.Equal("/gateway.yaml?token=s3cr3t", request.Target));
        Assert.All(_server.Requests, request => Assert.Null(request.Header("authorization")));
    }

    [Fact]
    public async Task Over_TLS_the_server_has_to_prove_its_name()
    {
        using var certificate = new CertificateFiles("config.example.com");
        await using var proxy = new ForwardProxy(Names("config.example.com", "other.example.com"), certificate.Load());
        using var source = Open("https://config.example.com/gateway.yaml", await TlsAsync(certificate, proxy));
        Assert.Equal(Yaml.Minimal, Encoding.UTF8.GetString((await source.FetchAtStartAsync(default)).Bytes));

        using var other = Open("https://other.example.com/gateway.yaml", await TlsAsync(certificate, proxy));
        var failure = await FailureAsync(other);
        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);
        using var untrusted = Open(
            "https://config.example.com/gateway.yaml", new Dictionary<string, string> { ["HTTPS_PROXY"] = proxy.Url });
        Assert.Contains("certificate", (await FailureAsync(untrusted)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S3_is_asked_with_a_signature_and_tells_where_the_bucket_is()
    {
        using var certificate = new CertificateFiles("policies.s3.eu-west-1.amazonaws.com");
        await using var proxy = new ForwardProxy(Names("policies.s3.eu-west-1.amazonaws.com"), certificate.Load());
        var environment = await TlsAsync(certificate, proxy);
        environment["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
        environment["AWS_SECRET_ACCESS_KEY"] = "aws-secret";
        environment["AWS_SESSION_TOKEN"] = "session";
        using var source = Open("s3://policies/a/gateway.yaml?region=eu-west-1", environment);

        var fetched = await source.FetchAtStartAsync(default);
        Assert.Null(await source.FetchAsync(fetched, default));

        Assert.Equal(2, _server.Requests.Count);
        foreach (var request in _server.Requests)
        {
            var check = SigV4Check.Of(request, "aws-secret");
            Assert.True(check.Valid);
            Assert.EndsWith("/eu-west-1/s3/aws4_request", check.Credential, StringComparison.Ordinal);
            Assert.Equal("/a/gateway.yaml", request.Target);
            Assert.Equal("session", request.Header("x-amz-security-token"));
        }

        _answer = exchange => exchange.RespondAsync(
            301, "<Error><Code>PermanentRedirect</Code></Error>", ("x-amz-bucket-region", "us-east-2"));
        Assert.Contains(
            "answered 301 PermanentRedirect; the bucket is in us-east-2: append ?region=us-east-2",
            (await FailureAsync(source)).Message,
            StringComparison.Ordinal);
        _answer = exchange => exchange.RespondAsync(403, "<Error><Code>AccessDenied</Code></Error>");
        var denied = (await FailureAsync(source)).Message;
        Assert.Contains("answered 403 AccessDenied", denied, StringComparison.Ordinal);
        Assert.Contains("s3:GetObject on arn:aws:s3:::policies/a/gateway.yaml", denied, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Google_Storage_is_asked_with_a_token_that_can_only_read()
    {
        await using var tokens = new FakeServer(exchange => exchange.RespondAsync(
            200,
            """{"access_token":"ya29.fake","token_type":"Bearer","expires_in":3600}""",
            ("content-type", "application/json")));
        using var certificate = new CertificateFiles("storage.googleapis.com");
        await using var proxy = new ForwardProxy(Names("storage.googleapis.com"), certificate.Load());
        var environment = await TlsAsync(certificate, proxy);
        environment["NO_PROXY"] = "127.0.0.1";
        environment["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1";
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = _folder.File("key.json");
        await GoogleServiceAccount.WriteAsync(_folder.File("key.json"), tokens.Url);
        using var source = Open("gs://policies/a b/gateway.yaml", environment);

        await source.FetchAtStartAsync(default);

        var request = Assert.Single(_server.Requests);
        Assert.Equal(
            ("/policies/a%20b/gateway.yaml", "Bearer ya29.fake"), (request.Target, request.Header("authorization")));
        var assertion = Assert.Single(tokens.Requests).Form["assertion"].Split('.')[1];
        using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(assertion));
        Assert.Equal(
            "https://www.googleapis.com/auth/devstorage.read_only",
            claims.RootElement.GetProperty("scope").GetString());
    }

    [Fact]
    public async Task An_emulator_of_Google_Storage_gets_no_token()
    {
        using var source = Open(
            "gs://policies/gateway.yaml",
            new Dictionary<string, string> { ["STORAGE_EMULATOR_HOST"] = $"127.0.0.1:{_server.Port}" });
        await source.FetchAtStartAsync(default);
        var request = Assert.Single(_server.Requests);
        Assert.Equal(("/policies/gateway.yaml", null), (request.Target, request.Header("authorization")));
    }

    [Fact]
    public async Task Azure_is_asked_as_the_identity_of_the_environment()
    {
        await using var entra = new FakeServer(exchange => exchange.RespondAsync(
            200,
            """{"access_token":"entra.fake","token_type":"Bearer","expires_in":3600}""",
            ("content-type", "application/json")));
        using var certificate = new CertificateFiles("login.microsoftonline.com");
        await using var proxy = new ForwardProxy(
            new Dictionary<string, int> { ["login.microsoftonline.com:443"] = entra.Port }, certificate.Load());
        var environment = await TlsAsync(certificate, proxy);
        environment["AZURE_TENANT_ID"] = "tenant";
        environment["AZURE_CLIENT_ID"] = "client";
        environment["AZURE_CLIENT_SECRET"] = "entra-secret";
        using var calls = new CloudCalls(environment, _clock);
        var url = ConfigUrl.Read("https://acct.blob.core.windows.net/policies/gateway.yaml");
        using var blob = new BlobService();
        using var http = new HttpMessageInvoker(blob);
        using var source = new RemoteConfig(
            url, ConfigTarget.Of(url, calls.Environment, calls.CredentialHttp, _clock), http, _clock);

        var fetched = await source.FetchAtStartAsync(default);
        Assert.Null(await source.FetchAsync(fetched, default));

        Assert.Equal(2, blob.Requests.Count);
        Assert.All(
            blob.Requests,
            request => Assert.Equal(
                "GET https://acct.blob.core.windows.net/policies/gateway.yaml Bearer entra.fake 2021-12-02 "
                    + _clock.GetUtcNow().ToString("R", System.Globalization.CultureInfo.InvariantCulture),
                request));
        var asked = Assert.Single(entra.Requests, request => request.Path == "/tenant/oauth2/v2.0/token");
        Assert.Contains("https://storage.azure.com/.default", asked.Form["scope"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_SAS_is_proof_enough_and_never_told()
    {
        using var certificate = new CertificateFiles("acct.blob.core.windows.net");
        await using var proxy = new ForwardProxy(Names("acct.blob.core.windows.net"), certificate.Load());
        using var source = Open(
            "https://acct.blob.core.windows.net/c/gateway.yaml?sv=2021&sig=s3cr3t%3D",
            await TlsAsync(certificate, proxy));
        await source.FetchAtStartAsync(default);
        var request = Assert.Single(_server.Requests);
        Assert.Equal("/c/gateway.yaml?sv=2021&sig=s3cr3t%3D", request.Target);
        Assert.Null(request.Header("authorization"));

        _answer = exchange => exchange.RespondAsync(403, "Signature s3cr3t did not match");
        Assert.Equal(
            "https://acct.blob.core.windows.net/c/gateway.yaml?… answered 403", (await FailureAsync(source)).Message);
    }

    [Fact]
    public async Task Nothing_is_asked_without_a_credential()
    {
        using var source = Open(
            "s3://policies/gateway.yaml?region=eu-west-1",
            new Dictionary<string, string>
            {
                ["AWS_EC2_METADATA_DISABLED"] = "true",
                ["AWS_ENDPOINT_URL_S3"] = $"http://127.0.0.1:{_server.Port}",
            });
        var failure = await FailureAsync(source);
        Assert.Contains("s3://policies/gateway.yaml: no credential: no AWS credentials", failure.Message,
            StringComparison.Ordinal);
        Assert.True(failure.IsPassing);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData(302, "answered 302; redirects are not followed")]
    [InlineData(304, "answered 304 without having been told of a version")]
    [InlineData(401, "answered 401")]
    [InlineData(404, "answered 404")]
    [InlineData(206, "answered 206")]
    public async Task An_answer_that_stays_as_it_is_is_not_tried_again(int status, string words)
    {
        _answer = exchange => exchange.RespondAsync(
            status, Yaml.Minimal, ("location", $"{_server.Url}elsewhere?token=s3cr3t"));
        using var source = Open($"{_server.Url}gateway.yaml?token=s3cr3t");
        var failure = await Assert.ThrowsAsync<ConfigFetchException>(() => source.FetchAtStartAsync(default));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", failure.ToString(), StringComparison.Ordinal);
        Assert.Single(_server.Requests);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task What_passes_is_tried_again_at_the_start_four_times_in_all(int status)
    {
        _answer = exchange => exchange.RespondAsync(status, "");
        using var source = Open($"{_server.Url}gateway.yaml");
        var failure = await Assert.ThrowsAsync<ConfigFetchException>(() => source.FetchAtStartAsync(default));
        Assert.Contains($"answered {status}", failure.Message, StringComparison.Ordinal);
        Assert.Equal(4, _server.Requests.Count);

        _answer = exchange => _server.Requests.Count < 7 ? exchange.RespondAsync(status, "") : Versioned(exchange);
        Assert.Equal("\"v1\"", (await source.FetchAtStartAsync(default)).ETag);
        Assert.Equal(7, _server.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_is_not_there_or_hangs_up_is_told()
    {
        _answer = exchange =>
        {
            exchange.Reset();
            return Task.CompletedTask;
        };
        using var source = Open($"{_server.Url}gateway.yaml");
        Assert.True((await FailureAsync(source)).IsPassing);
        _server.Refuse();
        var failure = await FailureAsync(source);
        Assert.True(failure.IsPassing);
        Assert.Contains("connect ConnectionRefused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_not_half_a_configuration()
    {
        _answer = async exchange =>
        {
            await exchange.WriteRawAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {Yaml.Minimal.Length}\r\n\r\n"));
            await exchange.WriteRawAsync(Encoding.ASCII.GetBytes(Yaml.Minimal[..^20]));
            exchange.Close();
        };
        using var source = Open($"{_server.Url}gateway.yaml");
        Assert.True((await FailureAsync(source)).IsPassing);

        _answer = async exchange =>
        {
            await exchange.StartAsync(200);
            await exchange.WriteAsync(Yaml.Minimal);
            exchange.Close();
        };
        Assert.True((await FailureAsync(source)).IsPassing);

        _answer = async exchange =>
        {
            await exchange.WriteRawAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n\r\n" + Yaml.Minimal));
            exchange.Close();
        };
        Assert.Contains("does not say how long", (await FailureAsync(source)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_in_chunks_is_whole_with_its_last_one()
    {
        _answer = async exchange =>
        {
            await exchange.StartAsync(200);
            await exchange.WriteAsync(Yaml.Minimal[..10]);
            await exchange.WriteAsync(Yaml.Minimal[10..]);
            await exchange.EndAsync();
        };
        using var source = Open($"{_server.Url}gateway.yaml");
        var fetched = (await source.FetchAsync(null, default))!;
        Assert.Equal((Yaml.Minimal, null), (Encoding.UTF8.GetString(fetched.Bytes), fetched.ETag));
        Assert.Equal($"sha256 {fetched.Sha256}", fetched.Version);
    }

    [Fact]
    public async Task A_body_without_end_is_given_up()
    {
        _answer = exchange => exchange.WriteRawAsync(
            Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\ncontent-length: 16777217\r\n\r\n"));
        using var source = Open($"{_server.Url}gateway.yaml");
        Assert.Contains("larger than 16 MiB", (await FailureAsync(source)).Message, StringComparison.Ordinal);

        _answer = async exchange =>
        {
            await exchange.StartAsync(200);
            var chunk = new byte[1024 * 1024];
            while (!exchange.ClientGone.IsCompleted)
            {
                await exchange.WriteAsync(chunk);
            }
        };
        Assert.Contains("larger than 16 MiB", (await FailureAsync(source)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_compressed_body_is_refused()
    {
        _answer = exchange => exchange.RespondAsync(200, "x", ("content-encoding", "gzip"));
        using var source = Open($"{_server.Url}gateway.yaml");
        Assert.Contains("compressed", (await FailureAsync(source)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silent_server_is_given_up_after_15_seconds(bool hasBegun)
    {
        var waits = new TaskCompletionSource();
        _answer = async exchange =>
        {
            if (hasBegun)
            {
                await exchange.StartAsync(200);
                await exchange.WriteAsync("listen:\n");
            }

            waits.SetResult();
            await exchange.StallAsync();
        };
        using var source = Open($"{_server.Url}gateway.yaml");
        var fetching = source.FetchAsync(null, default);
        await waits.Task;
        _clock.Advance(TimeSpan.FromSeconds(14.9));
        Assert.False(fetching.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        var failure = await Assert.ThrowsAsync<ConfigFetchException>(() => fetching);
        Assert.Contains("no whole answer within 15 s", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsPassing);
    }

    [Fact]
    public async Task A_metadata_service_is_not_asked()
    {
        using var source = Open("https://169.254.169.254/gateway.yaml");
        var failure = await Assert.ThrowsAsync<ConfigFetchException>(() => source.FetchAtStartAsync(default));
        Assert.Contains("ECONNREFUSED_SSRF", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsPassing);
    }

    [Theory]
    [InlineData("W/\"v1\"", "W/\"v1\"")]
    [InlineData("bare", "bare")]
    [InlineData("", null)]
    [InlineData("\"ü\"", null)]
    public async Task An_ETag_is_taken_as_it_is_if_it_can_be_sent_back(string given, string? taken)
    {
        _answer = exchange => exchange.RespondAsync(200, Yaml.Minimal, ("etag", given));
        using var source = Open($"{_server.Url}gateway.yaml");
        Assert.Equal(taken, (await source.FetchAsync(null, default))!.ETag);
    }

    /// <summary>What a server of files does: an ETag, and 304 for who has that version.</summary>
    private static Task Versioned(FakeExchange exchange) =>
        exchange.Request.Header("if-none-match") == "\"v1\""
            ? exchange.WriteRawAsync("HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"u8.ToArray())
            : exchange.RespondAsync(200, Yaml.Minimal, ("etag", "\"v1\""));

    private static async Task<ConfigFetchException> FailureAsync(RemoteConfig source) =>
        await Assert.ThrowsAsync<ConfigFetchException>(() => source.FetchAsync(null, default));

    private Dictionary<string, int> Names(params string[] hosts) =>
        hosts.ToDictionary(host => $"{host}:443", _ => _server.Port);

    private async Task<Dictionary<string, string>> TlsAsync(CertificateFiles certificate, ForwardProxy proxy)
    {
        await File.WriteAllTextAsync(_folder.File("ca.pem"), certificate.AuthorityPem);
        return new Dictionary<string, string>
        {
            ["HTTPS_PROXY"] = proxy.Url,
            ["NODE_EXTRA_CA_CERTS"] = _folder.File("ca.pem"),
        };
    }

    private RemoteConfig Open(string url, IReadOnlyDictionary<string, string>? environment = null) =>
        RemoteConfig.Open(url, Environment(environment), _clock);

    private static ProcessEnvironment Environment(IReadOnlyDictionary<string, string>? variables = null) =>
        new(variables ?? new Dictionary<string, string>());

    /// <summary>Azure's, as its pages have it: the version of the API and the date beside the token.</summary>
    private sealed class BlobService : HttpMessageHandler
    {
        public List<string> Requests { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(
                $"{request.Method} {request.RequestUri} {request.Headers.Authorization} "
                    + $"{request.Headers.GetValues("x-ms-version").Single()} "
                    + $"{request.Headers.GetValues("x-ms-date").Single()}");
            var isKnown = request.Headers.NonValidated.Contains("If-None-Match");
            var response = new HttpResponseMessage(isKnown ? HttpStatusCode.NotModified : HttpStatusCode.OK);
            if (!isKnown)
            {
                response.Headers.TryAddWithoutValidation("ETag", "\"0x8DC\"");
                response.Content = new StringContent(Yaml.Minimal);
            }

            return Task.FromResult(response);
        }
    }
}
