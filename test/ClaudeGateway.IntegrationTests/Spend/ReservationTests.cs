using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Messages;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>
/// What is set aside for requests in flight is what they themselves may cost, and work that is given up is paid for.
/// </summary>
public sealed class ReservationTests : IAsyncLifetime
{
    private const string Model = "claude-opus-4-1";

    /// <summary>25,000 tokens, as the gateway reckons; at 15 dollars a million 37.5 cents.</summary>
    private const int BodyBytes = 100_000;
    private const decimal InputCents = 37.5m;
    private const int MaxTokens = 64_000;
    private const int CapCents = 100;

    private readonly SpendHost _host = new(null);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("claude-opus-4-1", "usual", 1)]
    [InlineData("claude-haiku-4-5", "usual", 20)]
    [InlineData("claude-haiku-4-5", "worst", 3)]
    public async Task Of_dear_requests_at_once_only_those_that_fit_by_their_own_size_pass(
        string model, string reserve, int mostServed)
    {
        await StartAsync(reserve == "worst" ? ReserveMode.Worst : ReserveMode.Usual);
        await _host.LimitAsync(SpendHost.User("alice"), $"{CapCents}");
        var bearer = _host.Bearer("alice");
        _host.Spends(0);
        _host.Upstream.OutputTokens = 10;
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, await PostAsync(bearer, Body(model, 20, 100)));
        }

        var (decided, decisions, answer) = (0, new Signal(), new TaskCompletionSource());
        _host.Upstream.Script = async e =>
        {
            Decide();
            await answer.Task;
            var usage = new { input_tokens = BodyBytes / 4, output_tokens = MaxTokens };
            await e.RespondJsonAsync(200, new { usage });
        };
        var dear = Enumerable.Range(0, 60).Select(_ => SendAsync()).ToList();
        // Each one is at the upstream or refused before the first is answered.
        await decisions.UntilAsync(() => Volatile.Read(ref decided) == dear.Count, "a decision on each request");
        answer.SetResult();
        var served = (await Task.WhenAll(dear)).Count(status => status == 200);
        Assert.InRange(served, 1, mostServed);

        void Decide()
        {
            Interlocked.Increment(ref decided);
            decisions.Set();
        }

        async Task<int> SendAsync()
        {
            var status = await PostAsync(bearer, Body(model, BodyBytes, MaxTokens));
            if (status != 200)
            {
                Decide();
            }

            return status;
        }
    }

    [Fact]
    public async Task What_is_set_aside_for_one_model_does_not_follow_from_what_another_usually_gives()
    {
        await StartAsync();
        await _host.LimitAsync(SpendHost.User("alice"), "1000");
        var bearer = _host.Bearer("alice");
        // Dear answers of one model first: 8 dollars and something in all.
        _host.Spends(0);
        _host.Upstream.OutputTokens = 13_000;
        foreach (var model in (string[])["claude-haiku-4-5", Model, Model, Model, Model, Model, Model, Model, Model])
        {
            Assert.Equal(200, await PostAsync(bearer, Body(model, 20, 20_000)));
        }

        _host.Upstream.OutputTokens = 10;
        var release = new TaskCompletionSource();
        _host.Upstream.Script = async e =>
        {
            await release.Task;
            await e.RespondJsonAsync(200, new { usage = new { input_tokens = 5, output_tokens = 10 } });
        };
        var cheap = Enumerable.Range(0, 20).Select(_ => PostAsync(bearer, Body("claude-haiku-4-5", 20, 1000))).ToList();
        await _host.Upstream.Server.RequestCountAsync(9 + 20);
        release.SetResult();
        Assert.All(await Task.WhenAll(cheap), status => Assert.Equal(200, status));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task The_first_requests_at_once_of_an_unknown_developer_hold_a_cap_of_a_cent(
        int replicas, bool isModelKnown)
    {
        const int maxTokens = 500;
        const decimal answerCents = 0.75m;
        await using var host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        var gateways = new List<GatewayHost>();
        while (gateways.Count < replicas)
        {
            gateways.Add(await host.StartAsync());
        }

        await host.LimitAsync(SpendHost.Organization, "1", "monthly");
        if (isModelKnown)
        {
            // Of others it is known that their answers are short.
            host.Upstream.OutputTokens = 1;
            foreach (var gateway in gateways)
            {
                Assert.Equal(200, await host.SendAsync(host.Bearer("bob"), gateway));
            }
        }

        var (decided, decisions, answer) = (0, new Signal(), new TaskCompletionSource());
        host.Upstream.Script = async e =>
        {
            Decide();
            await answer.Task;
            await e.RespondJsonAsync(200, new { usage = new { input_tokens = 0, output_tokens = maxTokens } });
        };
        var bearer = host.Bearer("alice");
        var first = Enumerable.Range(0, 8).Select(i => SendAsync(gateways[i % replicas])).ToList();
        await decisions.UntilAsync(() => Volatile.Read(ref decided) == first.Count, "a decision on each request");
        answer.SetResult();
        var statuses = await Task.WhenAll(first);

        Assert.InRange(statuses.Count(status => status == 200), 1, replicas);
        Assert.All(statuses, status => Assert.True(status is 200 or 429));
        Assert.InRange(await host.SpentAsync("alice"), answerCents, answerCents * replicas);

        void Decide()
        {
            Interlocked.Increment(ref decided);
            decisions.Set();
        }

        async Task<int> SendAsync(GatewayHost gateway)
        {
            using var response = await gateway.PostJsonAsync(
                "/v1/messages", Body("claude-sonnet-4-6", 20, maxTokens), bearer);
            await response.Content.ReadAsByteArrayAsync();
            if ((int)response.StatusCode != 200)
            {
                Decide();
            }

            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task A_request_that_is_given_up_before_its_answer_pays_its_input_until_the_cap_is_reached()
    {
        await StartAsync();
        await _host.LimitAsync(SpendHost.User("alice"), $"{CapCents}");
        var bearer = _host.Bearer("alice");
        for (var i = 1; i <= 3; i++)
        {
            _host.Upstream.NextStall();
            await LeaveAsync(bearer, i);
            await _host.Gateway.Log.AuditAsync("inference", i);
            Assert.Equal(i * InputCents, await _host.SpentAsync("alice"));
        }

        Assert.Equal(429, await PostAsync(bearer, Body(Model, 20, 10)));
        Assert.Equal(3, _host.Upstream.Requests.Count);
    }

    [Fact]
    public async Task Given_up_when_one_upstream_has_refused_and_the_next_is_not_reached_it_costs_nothing()
    {
        // A server that never ends the handshake gets no request.
        await using var silent = new FakeServer(e => e.StallAsync());
        await _host.StartAsync(config => config with
        {
            Upstreams =
            [
                .. config.Upstreams,
                TestConfig.Anthropic(_host.Upstream, "next") with
                {
                    BaseUrl = new Uri($"https://127.0.0.1:{silent.Port}"),
                },
            ],
        });
        _host.Upstream.NextError(529);
        using var client = new RawClient(_host.Gateway.Url);
        await SendAsync(client, _host.Bearer("alice"), Body(Model, BodyBytes, MaxTokens));
        await _host.Gateway.Log.LineAsync("answered 529");
        client.Reset();
        Assert.Equal(499, (await _host.Gateway.Log.AuditAsync("inference")).GetProperty("status").GetInt32());
        Assert.Equal(0, await _host.SpentAsync("alice"));
    }

    [Fact]
    public async Task A_request_that_is_given_up_while_it_waits_for_its_place_costs_nothing()
    {
        await _host.StartAsync(config => config with { Limits = config.Limits with { MaxUpstreamRequests = 1 } });
        _host.Upstream.NextStall();
        using var first = new RawClient(_host.Gateway.Url);
        await SendAsync(first, _host.Bearer("alice"), Body(Model, BodyBytes, MaxTokens));
        await _host.Upstream.Server.RequestCountAsync(1);
        using (var second = new RawClient(_host.Gateway.Url))
        {
            await SendAsync(second, _host.Bearer("bob"), Body(Model, BodyBytes, MaxTokens));
            await AdmittedAsync("bob");
            second.Reset();
            await _host.Gateway.Log.AuditAsync("inference");
        }

        Assert.Equal(0, await _host.SpentAsync("bob"));
        first.Reset();
        await _host.Gateway.Log.AuditAsync("inference", 2);
        Assert.Equal(InputCents, await _host.SpentAsync("alice"));
    }

    [Fact]
    public async Task A_stream_left_before_its_usage_came_pays_its_input_and_one_that_ends_what_it_says()
    {
        await StartAsync();
        var bearer = _host.Bearer("alice");
        _host.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.WriteAsync("event: ping\ndata: {\"type\": \"ping\"}\n\n");
            await e.StallAsync();
        });
        using (var client = new RawClient(_host.Gateway.Url))
        {
            await SendAsync(client, bearer, Body(Model, BodyBytes, MaxTokens, stream: true));
            await client.UntilAsync("ping");
            client.Reset();
            await _host.Gateway.Log.AuditAsync("inference.end");
        }

        Assert.Equal(InputCents, await _host.SpentAsync("alice"));
        _host.Upstream.Next(async e =>
        {
            await e.StartAsync(200, ("content-type", "text/event-stream"));
            await e.EndAsync();
        });
        Assert.Equal(200, await PostAsync(bearer, Body(Model, BodyBytes, MaxTokens, stream: true)));
        Assert.Equal(InputCents, await _host.SpentAsync("alice"));
    }

    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    public async Task What_is_set_aside_is_what_the_dearest_upstream_that_may_answer_costs(string free)
    {
        await _host.StartAsync(config => config with
        {
            Enforcement = new EnforcementConfig { Reserve = ReserveMode.Worst },
            Upstreams =
            [
                TestConfig.Anthropic(_host.Upstream, "first"),
                TestConfig.Anthropic(_host.Upstream, "second"),
            ],
            Pricing = new PricingConfig(null, [new PriceOverride(free, Model, 0, 0, 0, 0)]),
        });
        await _host.LimitAsync(SpendHost.User("alice"), $"{CapCents}");
        var bearer = _host.Bearer("alice");
        var release = new TaskCompletionSource();
        _host.Upstream.Script = async e =>
        {
            await release.Task;
            await e.RespondJsonAsync(200, new { usage = new { input_tokens = 5, output_tokens = 10 } });
        };

        var one = PostAsync(bearer, Body(Model, BodyBytes, MaxTokens));
        await _host.Upstream.Server.RequestCountAsync(1);
        Assert.Equal(429, await PostAsync(bearer, Body(Model, BodyBytes, MaxTokens)));

        release.SetResult();
        Assert.Equal(200, await one);
    }

    private Task<GatewayHost> StartAsync(ReserveMode reserve = ReserveMode.Usual) =>
        _host.StartAsync(config => config with { Enforcement = new EnforcementConfig { Reserve = reserve } });

    private static byte[] Body(string model, int length, int maxTokens, bool stream = false)
    {
        return With(new string('x', Math.Max(1, length - With("").Length)));

        byte[] With(string content)
        {
            var messages = new[] { new { role = "user", content } };
            return JsonSerializer.SerializeToUtf8Bytes(new { model, max_tokens = maxTokens, stream, messages });
        }
    }

    private async Task<int> PostAsync(string bearer, byte[] body)
    {
        using var response = await _host.Gateway.PostJsonAsync("/v1/messages", body, bearer);
        await response.Content.ReadAsByteArrayAsync();
        return (int)response.StatusCode;
    }

    /// <summary>Waits until the developer is on the admin's lists, as who has been admitted is.</summary>
    private async Task AdmittedAsync(string sub)
    {
        using var timeout = new CancellationTokenSource(Signal.Timeout);
        string? name = null;
        while (name is null)
        {
            timeout.Token.ThrowIfCancellationRequested();
            using var response = await _host.AdminAsync(HttpMethod.Get, $"/effective?user_ids[]={sub}&period[]=daily");
            var row = (await SpendHost.JsonAsync(response)).GetProperty("data")[0];
            name = row.GetProperty("actor").GetProperty("name").GetString();
        }
    }

    private async Task LeaveAsync(string bearer, int count)
    {
        using var client = new RawClient(_host.Gateway.Url);
        await SendAsync(client, bearer, Body(Model, BodyBytes, MaxTokens));
        await _host.Upstream.Server.RequestCountAsync(count);
        client.Reset();
    }

    private static Task SendAsync(RawClient client, string bearer, byte[] body) => client.SendAsync(
        Encoding.ASCII.GetBytes(string.Join(
            "\r\n",
            "POST /v1/messages HTTP/1.1",
            "Host: localhost",
            $"Authorization: Bearer {bearer}",
            "Content-Type: application/json",
            "anthropic-version: 2023-06-01",
            $"Content-Length: {body.Length}",
            "",
            "")),
        body);
}
