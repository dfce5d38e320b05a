using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Json;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli;

/// <summary>
/// <c>claude-gateway login URL</c>: a device's side of the device flow (RFC 8628) in a terminal. The bearer alone goes
/// to standard output, so that a shell can take it; everything said to the person goes to standard error.
/// </summary>
internal sealed class LoginCommand(HttpMessageInvoker http, TimeProvider clock, TextWriter output, TextWriter messages)
{
    /// <summary>What a gateway may ask for; beyond it, it does not mean what it says.</summary>
    private const int MaxIntervalSeconds = 300;
    private const string DeviceCodeGrant = "urn:ietf:params:oauth:grant-type:device_code";

    // RFC 8628 section 3.5: the default interval, and by how much slow_down grows it.
    private static readonly TimeSpan IntervalStep = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string url, ProcessEnvironment environment, CancellationToken cancellation)
    {
        using var lines = new StderrLines();
        var log = new OperationalLog(lines, SystemClock.Instance, LogLevel.Warn);
        try
        {
            // The developer names the gateway: it may well be on this machine.
            using var outbound = new OutboundHttp(environment.ForOwnMachine(), log);
            var command = new LoginCommand(
                outbound.CreateClient(new OutboundOptions()), SystemClock.Instance, Console.Out, Console.Error);
            return await command.SignInAsync(url, cancellation);
        }
        catch (OperatorException e)
        {
            return ServeCommand.Fail([e.Message]);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    /// <returns>The exit code: 0 when a bearer was printed.</returns>
    /// <exception cref="OperatorException">The gateway cannot be reached, does not behave as one, or
    /// refuses.</exception>
    public async Task<int> SignInAsync(string url, CancellationToken cancellation)
    {
        var gateway = GatewayUrl.Read(url);
        var metadata = await AskAsync(
            HttpMethod.Get, new Uri(gateway, "/.well-known/oauth-authorization-server"), null, cancellation);
        var issuer = Text(metadata, "issuer");
        if (issuer.TrimEnd('/') != url.TrimEnd('/'))
        {
            // RFC 8414 section 3.3: a bearer from here would belong to another address.
            throw new OperatorException($"{url} calls itself {issuer}: use that address");
        }

        var grant = await AskAsync(
            HttpMethod.Post,
            Endpoint(metadata, "device_authorization_endpoint"),
            new() { ["client_id"] = "claude-gateway-login" },
            cancellation);
        await GreetAsync(grant);
        var token = await PollAsync(Endpoint(metadata, "token_endpoint"), grant, cancellation);
        var bearer = Text(token, "access_token");
        await messages.WriteLineAsync("Signed in. The bearer is good for " + Minutes(token) + ".");
        await output.WriteLineAsync(bearer);
        return 0;
    }

    private async Task GreetAsync(JsonElement grant)
    {
        if (grant.Text("login_notice") is { } notice)
        {
            await messages.WriteLineAsync(Terminal.Printable(notice));
        }

        var address = grant.Text("verification_uri_complete") ?? Text(grant, "verification_uri");
        await messages.WriteLineAsync($"Open this address in a browser:  {Terminal.Printable(address)}");
        await messages.WriteLineAsync(
            $"and confirm this code:           {Terminal.Printable(Text(grant, "user_code"))}");
        await messages.WriteLineAsync("Waiting …");
    }

    private async Task<JsonElement> PollAsync(Uri endpoint, JsonElement grant, CancellationToken cancellation)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = DeviceCodeGrant,
            ["device_code"] = Text(grant, "device_code"),
        };
        var interval = Seconds(grant, "interval") is { } seconds and <= MaxIntervalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : IntervalStep;
        while (true)
        {
            await Task.Delay(interval, clock, cancellation);
            var answer = await SendAsync(HttpMethod.Post, endpoint, form, cancellation);
            if (answer.Status == 200)
            {
                return answer.Json;
            }

            switch (answer.Json.Text("error") ?? "")
            {
                case "authorization_pending":
                    break;
                case "slow_down":
                    interval += IntervalStep;
                    break;
                case "access_denied":
                    throw new OperatorException(
                        "the sign-in was refused: it was denied in the browser, or your account is not allowed here");
                case "expired_token":
                    throw new OperatorException("the code has expired: run the command again");
                case var other:
                    throw new OperatorException($"{endpoint} answered {answer.Status} {Terminal.Printable(other)}");
            }
        }
    }

    private async Task<JsonElement> AskAsync(
        HttpMethod method, Uri url, Dictionary<string, string>? form, CancellationToken cancellation)
    {
        var (status, json) = await SendAsync(method, url, form, cancellation);
        return status == 200 && json.ValueKind == JsonValueKind.Object
            ? json
            : throw new OperatorException(
                $"{url} answered "
                    + status
                + (status == 429
                    ? ": too many sign-ins from here, try again in some minutes"
                    : ": is this the address of a gateway?"));
    }

    private async Task<(int Status, JsonElement Json)> SendAsync(
        HttpMethod method, Uri url, Dictionary<string, string>? form, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, url)
        {
            Content = form is null ? null : new FormUrlEncodedContent(form),
        };
        using var timeout = new Deadline(RequestTimeout, clock, cancellation);
        try
        {
            using var response = await http.SendAsync(request, timeout.Token);
            var body = await response.Content.ReadAsByteArrayAsync(timeout.Token);
            return ((int)response.StatusCode, Parse(body));
        }
        catch (HttpRequestException e)
        {
            throw new OperatorException(
                $"{url.GetLeftPart(UriPartial.Authority)} cannot be reached: {Reason(e)}. Check the address, and that "
                    + "the gateway is running",
                e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new OperatorException(
                $"{url.GetLeftPart(UriPartial.Authority)} did not answer within {RequestTimeout.TotalSeconds} s", e);
        }
    }

    /// <summary>The cause below a failed TLS handshake, which alone says what is wrong with the certificate.</summary>
    private static string Reason(HttpRequestException e) => (e.InnerException ?? e).Message.TrimEnd('.');

    private static JsonElement Parse(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static Uri Endpoint(JsonElement metadata, string name) =>
        Uri.TryCreate(Text(metadata, name), UriKind.Absolute, out var uri)
        ? uri
        : throw new OperatorException($"the gateway's {name} is not a URL");

    private static string Text(JsonElement json, string name) =>
        json.Text(name)
        ?? throw new OperatorException($"the gateway's answer has no {name}: is this the address of a gateway?");

    private static string Minutes(JsonElement token) =>
        Seconds(token, "expires_in") is { } seconds
            ? (seconds / 60).ToString(CultureInfo.InvariantCulture) + " minutes"
            : "a while";

    private static long? Seconds(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && seconds > 0
            ? seconds
            : null;
}
