using System.Net;
using System.Text;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Json;
using ClaudeGateway.Messages;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// Sends an upstream a message request without a message. Who may not ask is refused before the request is looked at;
/// who may is told that the request is bad, which costs nothing.
/// </summary>
internal static class UpstreamExamination
{
    private const int ShownLength = 300;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(40);

    /// <param name="models">In order of preference; the first this upstream serves is asked for.</param>
    public static async Task<Finding> RunAsync(
        Upstream upstream,
        UpstreamConfig config,
        IReadOnlyList<ModelRoute> models,
        TimeProvider clock,
        CancellationToken cancellation)
    {
        var subject = $"upstream '{upstream.Name}' ({upstream.Provider})";
        var asked = models.SelectMany(route => route.Targets,
            (route, target) =>
                (route.Model.Id, Target: target)).FirstOrDefault(m => ReferenceEquals(m.Target.Upstream, upstream));
        if (asked.Target is null)
        {
            return Finding.Ill(
                subject,
                "serves no model",
                "add a models[] entry whose upstream_model names it, or widen its models list");
        }

        using var timeout = new Deadline(Timeout, clock, cancellation);
        try
        {
            using var response = await upstream.SendAsync(Call(asked.Id), asked.Target.ModelId, timeout.Token);
            return Judge(
                subject,
                config,
                $"{asked.Id} (there {asked.Target.ModelId})",
                response,
                await TextAsync(response, timeout.Token));
        }
        catch (UpstreamUnavailableException e)
        {
            return e.Fault switch
            {
                UpstreamFault.NoCredential =>
                    Finding.Ill(subject, $"no usable credential: {e.Message}", Grants.Credential(config)),
                UpstreamFault.SilentInstance =>
                    Finding.Ill(subject, $"no usable credential: {e.Message}", Grants.SilentInstance),
                _ => Finding.Ill(
                    subject,
                    $"not a provider's answer: {e.Message}",
                    "correct base_url and region, or have the proxy or portal on the way let the gateway through"),
            };
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return Finding.Ill(
                subject,
                $"not reachable: {e.Message}",
                "let the gateway reach the endpoint, through HTTPS_PROXY where that is the way out, or correct region "
                    + "and base_url");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Finding.Ill(
                subject,
                $"no answer within {Timeout.TotalSeconds} s",
                "let the gateway reach the endpoint, or correct region and base_url");
        }
    }

    private static Finding Judge(
        string subject, UpstreamConfig config, string model, UpstreamResponse response,
        string text) => response.FailoverStatus switch
        {
            400 or (>= 200 and < 300) => Finding.Well(subject, $"takes requests for {model}"),
            401 => Finding.Ill(subject, $"refuses the credential (401): {text}", Grants.Credential(config)),
            403 or 404 when Grants.Subscription(config, response.OwnWords) is { } cure => Finding.Ill(
                subject, $"the AWS account has no access to {model} yet ({response.FailoverStatus}): {text}", cure),
            403 =>
                Finding.Ill(
                    subject, $"knows the credential but denies {model} (403): {text}", Grants.Permission(config)),
            404 when response.OwnWords is { } words && UpstreamErrors.NeedsInferenceProfile(words) => Finding.Ill(
                subject,
                $"does not take {model} by this id: on-demand throughput isn't supported, it needs an inference "
                    + "profile",
                Grants.InferenceProfile(config)),
            404 => Finding.Ill(subject, $"does not have {model}: {text}", Grants.Model(config)),
            429 => Finding.Well(
                subject, $"takes requests for {model}, but none at the moment: the quota is used up (429)"),
            var status =>
                Finding.Ill(
                    subject,
                    $"answered {status} for {model}: {text}",
                    "the full answer is in the log above; try again later"),
        };

    private static UpstreamCall Call(string model)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers["anthropic-version"] = "2023-06-01";
        context.Request.ContentType = "application/json";
        var body = "{\"model\":" + Encoding.UTF8.GetString(JsonEdit.String(model))
            + ",\"max_tokens\":1,\"messages\":[]}";
        return new UpstreamCall(
            new GatewayRequest(context, "doctor", IPAddress.Loopback, 0),
            new Principal("claude-gateway-doctor", "claude-gateway-doctor", null, [])
            {
                ExpiresAt = DateTimeOffset.MaxValue,
            },
            MessagesRequest.Read(Encoding.UTF8.GetBytes(body)).Request!,
            MessagesOperation.CreateMessage,
            StripTags: false);
    }

    /// <summary>
    /// The upstream's own words. A cloud's are translated for developers; they are in the log instead.
    /// </summary>
    private static async Task<string> TextAsync(UpstreamResponse response, CancellationToken cancellation)
    {
        if (response is not AnthropicResponse)
        {
            return "its own words are on standard error";
        }

        await using var body = response.OpenBody(null);
        var buffer = new byte[16 * 1024];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        var text = UpstreamErrorBody.Read(buffer.AsMemory(0, length)).Message ?? "";
        return text.Length > ShownLength ? text[..ShownLength] + "…" : text;
    }
}
