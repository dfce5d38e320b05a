using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Messages;

/// <summary>Token counts, of which an editor that starts sends fifty at a time.</summary>
public sealed class TokenCountTests
{
    [Fact]
    public async Task A_message_never_waits_for_counts()
    {
        await using var scene = await Scene.StartAsync(
            config => config with { Limits = new LimitsConfig { MaxUpstreamRequests = 1 } });
        var (asked, end) = Hold(scene);
        var counts = Enumerable.Range(0, 50).Select(
            i => CountAsync(scene, "hi " + i)).ToArray();
        await asked.Task.WaitAsync(Signal.Timeout);

        using (var message = await scene.Gateway.SendMessageAsync(scene.Bearer).WaitAsync(Signal.Timeout))
        {
            Assert.Equal(HttpStatusCode.OK, message.StatusCode);
        }

        // One count is under way, and 49 wait for its place.
        Assert.Equal(2, scene.Upstream.Requests.Count);
        end.SetResult();
        Assert.All(await Task.WhenAll(counts), count => Assert.Equal("{\"input_tokens\":7}", count));
        Assert.Equal(51, scene.Upstream.Requests.Count);
    }

    [Fact]
    public async Task An_estimate_asks_no_upstream_and_is_audited()
    {
        await using var scene = await Scene.StartAsync(
            config => config with
            {
                Models =
                [
                    new ModelConfig(
                        "claude-sonnet-4-6", null, null, new Dictionary<string, string> { ["anthropic"] = "x" })
                    {
                        EstimatesTokenCounts = true,
                    },
                ],
            });
        Assert.Matches("^{\"input_tokens\":[1-9][0-9]?}$", await CountAsync(scene, "hello"));
        Assert.Empty(scene.Upstream.Requests);
        var audit = await scene.Gateway.Log.AuditAsync("inference");
        Assert.Equal(200, audit.GetProperty("status").GetInt32());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, audit.GetProperty("upstream").ValueKind);

        using var message = await scene.Gateway.SendMessageAsync(scene.Bearer);
        Assert.Equal("x", Assert.Single(scene.Upstream.Requests).Json.GetProperty("model").GetString());
    }

    [Fact]
    public async Task A_count_does_not_wait_for_messages()
    {
        await using var scene = await Scene.StartAsync(
            config => config with { Limits = new LimitsConfig { MaxUpstreamRequests = 1 } });
        var end = new TaskCompletionSource();
        scene.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await end.Task;
            await e.EndAsync();
        });
        using var message = await scene.Gateway.SendMessageAsync(scene.Bearer, stream: true);
        scene.Upstream.Next(e => e.RespondJsonAsync(200, new { input_tokens = 7 }));

        Assert.Equal("{\"input_tokens\":7}", await CountAsync(scene, "hi").WaitAsync(Signal.Timeout));
        end.SetResult();
    }

    private static (TaskCompletionSource Asked, TaskCompletionSource End) Hold(Scene scene)
    {
        var (asked, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        scene.Upstream.Script = async e =>
        {
            if (!e.Request.Path.EndsWith("count_tokens", StringComparison.Ordinal))
            {
                await e.RespondJsonAsync(200, new { type = "message", content = Array.Empty<object>() });
                return;
            }

            asked.TrySetResult();
            await end.Task.WaitAsync(Signal.Timeout);
            await e.RespondJsonAsync(200, new { input_tokens = 7 });
        };
        return (asked, end);
    }

    private static async Task<string> CountAsync(Scene scene, string content)
    {
        using var response = await scene.Gateway.PostJsonAsync(
            "/v1/messages/count_tokens",
            new { model = "claude-sonnet-4-6", messages = new[] { new { role = "user", content } } },
            scene.Bearer);
        return await response.Content.ReadAsStringAsync();
    }
}
