using System.Net;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Upstreams.Adapting;
using ClaudeGateway.Upstreams.Contract;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Upstreams.Bedrock;

/// <summary>
/// count_tokens by Bedrock's CountTokens, which many models, accounts and proxies do not have: a model it fails for is
/// not asked again for ten minutes, so that every prompt does not pay for the attempt (spec/clouds.md, count_tokens).
/// </summary>
internal sealed class BedrockTokenCount(
    BedrockUpstream upstream, string modelsUrl, AwsAuthorizer authorizer, CloudContext context)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);
    private const int MaxRemembered = 1000;

    private readonly RecentlyUsed<ModelState> _models = new(MaxRemembered, context.Clock);

    public async Task<UpstreamResponse> CountAsync(UpstreamCall call, string modelId, CancellationToken cancellation)
    {
        if (BedrockModelId.Foundation(modelId) is not { } foundation)
        {
            return Unavailable(call, null);
        }

        var state = _models.Get(foundation, context.Clock, static (_, clock) => new ModelState(clock));
        if (state.IsPaused(context.Clock))
        {
            return Unavailable(call, null);
        }

        try
        {
            return await AskAsync(call, foundation, state, OptionalFields.None, cancellation);
        }
        catch (Exception e)
            when (
                e is HttpRequestException or IOException or UpstreamUnavailableException
                && !cancellation.IsCancellationRequested)
        {
            Fail(state, foundation, e.Message);
            return Unavailable(call, null);
        }
    }

    /// <param name="without">What CountTokens has refused of this request.</param>
    private async Task<UpstreamResponse> AskAsync(
        UpstreamCall call, string foundation, ModelState state, OptionalFields without, CancellationToken cancellation)
    {
        var counted = OptionalField.Without(call, state.Known.RefusedFields() | without);
        ReadOnlyMemory<byte>[] body =
            [Envelope(BedrockBody.Count(counted.Message.Members, call.Betas.Values(keepTags: false)))];
        using var request = CloudUpstream.CreateRequest(
            Verbatim.Uri($"{modelsUrl}{Uri.EscapeDataString(foundation)}/count-tokens"), body);
        await authorizer.AuthorizeAsync(request, body, developer: null, cancellation);
        var response = await context.Http.SendAsync(request, cancellation);
        try
        {
            var text = await CloudBody.ReadErrorAsync(response, upstream.Watch, cancellation);
            if (without != OptionalFields.None)
            {
                call.Add(new RequestAdaptation(
                    upstream.Name, foundation, [], OptionalField.Names(without), null, (int)response.StatusCode));
            }

            if (response.IsSuccessStatusCode && Count(text) is { } count)
            {
                state.Succeeded();
                state.Known.Refuse(without);
                return new WholeAnswer(
                    upstream, response, 200, Encoding.UTF8.GetBytes($$"""{"input_tokens":{{count}}}"""));
            }

            if (without == OptionalFields.None && response.StatusCode == HttpStatusCode.BadRequest
                && OptionalField.Refused(UpstreamErrorBody.Read(text).Message) is not OptionalFields.None and var extra
                && !ReferenceEquals(OptionalField.Without(counted, extra), counted))
            {
                response.Dispose();
                return await AskAsync(call, foundation, state, extra, cancellation);
            }

            var answer = Encoding.UTF8.GetString(text);
            if (state.HasSucceeded && IsOfThisRequestAlone(response, answer))
            {
                context.Log.Warn(
                    $"request {call.Request.Id}: upstream '{upstream.Name}': CountTokens answered "
                        + $"{(int)response.StatusCode}: {LogText.Shorten(answer)}");
            }
            else
            {
                Fail(state, foundation, $"{(int)response.StatusCode}: {answer}");
            }

            return Unavailable(call, response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private WholeAnswer Unavailable(UpstreamCall call, HttpResponseMessage? response)
    {
        var error = UpstreamErrors.CountTokensUnavailable;
        return new WholeAnswer(upstream, response, error.Status, error.ToJson(call.Request.Id)) { IsHopeless = true };
    }

    private void Fail(ModelState state, string foundation, string reason)
    {
        state.Failed(context.Clock);
        context.Log.Warn(
            $"upstream '{upstream.Name}': CountTokens failed for {foundation}: {LogText.Shorten(reason)}; messages are "
                + $"not affected. count_tokens for this model goes to the next upstream for {Pause.TotalMinutes} "
                + "minutes. Grant bedrock:CountTokens, and let a proxy at base_url pass /model/{id}/count-tokens");
    }

    /// <summary>Once it has worked, a refused body or a throttle says nothing about the next request.</summary>
    private static bool IsOfThisRequestAlone(HttpResponseMessage response, string answer) =>
        (int)response.StatusCode == 429
        || ((int)response.StatusCode == 400
            && ((response.Headers.NonValidated.TryGetValues("x-amzn-errortype", out var type)
                && type.ToString().StartsWith("ValidationException", StringComparison.Ordinal))
                || answer.Contains("ValidationException", StringComparison.Ordinal)));

    private static byte[] Envelope(ReadOnlyMemory<byte>[] pieces)
    {
        var length = pieces.Sum(piece => piece.Length);
        var body = new byte[length];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.CopyTo(body.AsMemory(at));
            at += piece.Length;
        }

        return Encoding.ASCII.GetBytes(
            "{\"input\":{\"invokeModel\":{\"body\":\"" + Convert.ToBase64String(body) + "\"}}}");
    }

    private static long? Count(byte[] text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("inputTokens", out var tokens) && tokens.TryGetInt64(out var count)
                ? count
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Requests read and write it at the same time: the worst is one call too many or one too few.</summary>
    private sealed class ModelState(TimeProvider clock)
    {
        public ModelKnowledge Known { get; } = new(clock);

        /// <summary>Ticks of UTC: one word, which is never seen half written.</summary>
        private long _pausedUntil;
        private volatile bool _hasSucceeded;

        public bool HasSucceeded => _hasSucceeded;

        public bool IsPaused(TimeProvider clock) => clock.GetUtcNow().UtcTicks < Volatile.Read(ref _pausedUntil);

        public void Succeeded()
        {
            _hasSucceeded = true;
            Volatile.Write(ref _pausedUntil, 0);
        }

        public void Failed(TimeProvider clock) =>
            Volatile.Write(ref _pausedUntil, (clock.GetUtcNow() + Pause).UtcTicks);
    }
}
