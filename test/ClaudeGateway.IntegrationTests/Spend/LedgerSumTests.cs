using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.IntegrationTests.Messages;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Spend;

/// <summary>
/// Whatever happens on the way, the ledger is the sum of what upstreams reported times the price, worked out here in
/// whole numbers.
/// </summary>
public sealed class LedgerSumTests : IAsyncLifetime
{
    private const string Model = "claude-sonnet-4-6";
    private const int RequestsPerRound = 40;
    private const long MicroCent = Money.NanoCentsPerCent / 1_000_000;

    /// <summary>Of each kind of token, in billionths of a cent: the list's, and the second upstream's.</summary>
    private static readonly Rates Listed = new(300_000, 1_500_000, 30_000, 375_000, 600_000);
    private static readonly Rates Overridden = new(700_000, 1_100_000, 100_000, 1_300_000, 1_300_000);
    private static readonly string[] Developers = ["alice", "bob", "carol"];

    private readonly ConcurrentDictionary<int, Plan> _plans = [];
    private readonly ConcurrentDictionary<string, long> _expected = [];
    private readonly ConcurrentDictionary<GatewayHost, (int Requests, int Ends)> _sent = [];
    private readonly FakeUpstream _second = new();
    private SpendHost _host = null!;

    private enum Course
    {
        Whole,
        Stream,

        /// <summary>The start counts the whole prompt, the end tells it apart.</summary>
        Divided,

        /// <summary>The upstream breaks off in the middle.</summary>
        Cut,

        /// <summary>The client leaves in the middle.</summary>
        Left,

        /// <summary>The client leaves before the upstream answers.</summary>
        Abandoned,
    }

    public async ValueTask InitializeAsync()
    {
        _host = new SpendHost(await PostgresServer.NewMigratedDatabaseAsync());
        _host.Upstream.Script = e => AnswerAsync(e, isFirst: true);
        _second.Script = e => AnswerAsync(e, isFirst: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public async Task The_ledger_is_what_upstreams_reported_times_the_price_to_the_micro_cent(ulong seed)
    {
        var random = new FuzzRandom(seed);
        var one = await StartAsync();
        var two = await StartAsync();
        await _host.LimitAsync(SpendHost.Organization, "1000000000", "monthly");
        await _host.LimitAsync(SpendHost.Group("eng"), "1000000000", "monthly", pool: new { amount = "1000000000" });

        await SendAllAsync(random, one, two);
        var whileReloading = SendAllAsync(random, one, two);
        await one.App.ReloadAsync(one.Config with { Sha256 = new string('1', 64) }, CancellationToken.None);
        await whileReloading;
        await EndedAsync(two);
        var whileRestarting = SendAllAsync(random, one);
        await _host.StopAsync(two);
        var three = await StartAsync();
        await whileRestarting;
        await SendAllAsync(random, one, three);
        await Task.WhenAll(EndedAsync(one), EndedAsync(three));
        foreach (var gateway in (GatewayHost[])[one, three])
        {
            // What it has not written yet is written before it answers.
            await _host.SpentAsync("alice", gateway);
        }

        await using var database = await RefusedRowTests.DatabaseAsync(one);
        foreach (var developer in Developers)
        {
            await AssertStoredAsync(CounterKey.Of(CounterKind.User, developer), _expected[developer]);
        }

        await AssertStoredAsync(CounterKey.Of(CounterKind.Pool, "eng"), _expected["alice"] + _expected["bob"]);

        async Task AssertStoredAsync(CounterKey key, long expected)
        {
            // Added up here: a month may have begun in between.
            var amounts = await database.AllAsync(
                "SELECT amount FROM gw_spend_counter WHERE key = $1 AND period = 2",
                static row => row.GetInt64(0),
                (object)key.ToBytes());
            // Each request is rounded up to a billionth of a cent.
            Assert.InRange(amounts.Sum() - expected, 0, MicroCent - 1);
            Assert.True(expected > 0);
        }
    }

    private Task<GatewayHost> StartAsync() => _host.StartAsync(config => config with
    {
        Upstreams = [TestConfig.Anthropic(_host.Upstream, "first"), TestConfig.Anthropic(_second, "second")],
        Pricing = new PricingConfig(null, [new PriceOverride("second", Model, 7, 11, 1, 13)]),
    });

    private Task SendAllAsync(FuzzRandom random, params GatewayHost[] gateways)
    {
        var sending = new List<Task>();
        for (var i = 0; i < RequestsPerRound; i++)
        {
            var plan = Plan.Next(random);
            var number = _plans.Count;
            _plans[number] = plan;
            var developer = random.Of(Developers);
            sending.Add(SendAsync(random.Of(gateways), developer, number, plan));
        }

        return Task.WhenAll(sending);
    }

    private async Task SendAsync(GatewayHost gateway, string developer, int number, Plan plan)
    {
        var isWhole = plan.Course == Course.Whole;
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = Model,
            max_tokens = 100,
            stream = !isWhole,
            messages = new[] { new { role = "user", content = $"{number}" } },
        });
        _expected.AddOrUpdate(developer, plan.Cost(body.Length), (_, sum) => sum + plan.Cost(body.Length));
        var ends = plan.Course == Course.Abandoned ? 0 : 1;
        _sent.AddOrUpdate(gateway, (1, ends), (_, sent) => (sent.Requests + 1, sent.Ends + ends));
        var bearer = developer == "carol" ? _host.Bearer(developer) : _host.Bearer(developer, "eng");
        if (plan.Course is Course.Left or Course.Abandoned)
        {
            using var client = new RawClient(gateway.Url);
            await client.SendAsync(Encoding.ASCII.GetBytes(string.Join(
                "\r\n",
                "POST /v1/messages HTTP/1.1",
                "Host: localhost",
                $"Authorization: Bearer {bearer}",
                "Content-Type: application/json",
                $"Content-Length: {body.Length}",
                "",
                "")), body);
            await (plan.Course == Course.Left ? client.UntilAsync(Plan.EndOfText) : plan.Reached.Task);
            client.Reset();
            return;
        }

        using var response = await gateway.PostJsonAsync("/v1/messages", body, bearer);
        Assert.Equal(200, (int)response.StatusCode);
        var reading = response.Content.ReadAsByteArrayAsync();
        if (plan.Course == Course.Cut)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => reading);
        }
        else
        {
            await reading;
        }
    }

    private async Task EndedAsync(GatewayHost gateway)
    {
        var (requests, ends) = _sent[gateway];
        await gateway.Log.AuditAsync("inference", requests);
        await gateway.Log.AuditAsync("inference.end", ends);
    }

    private async Task AnswerAsync(FakeExchange e, bool isFirst)
    {
        var content = e.Request.Json.GetProperty("messages")[0].GetProperty("content").GetString()!;
        var plan = _plans[int.Parse(content, System.Globalization.CultureInfo.InvariantCulture)];
        if (isFirst && plan.Failure is { } status)
        {
            // What a failure says it used is not billed.
            await e.RespondJsonAsync(status, new { type = "error", usage = new { input_tokens = 1_000_000 } });
            return;
        }

        switch (plan.Course)
        {
            case Course.Abandoned:
                plan.Reached.SetResult();
                await e.StallAsync();
                break;
            case Course.Whole:
                await e.RespondJsonAsync(200, new { usage = plan.Usage(plan.Output) });
                break;
            default:
                await e.StartAsync(200, ("content-type", "text/event-stream"));
                await e.WriteAsync(plan.Beginning());
                await (plan.Course switch
                {
                    Course.Cut => CutAsync(),
                    Course.Left => e.StallAsync(),
                    _ => EndAsync(),
                });
                break;
        }

        Task CutAsync()
        {
            e.Close();
            return Task.CompletedTask;
        }

        async Task EndAsync()
        {
            await e.WriteAsync(plan.End());
            await e.EndAsync();
        }
    }

    private sealed record Rates(long Input, long Output, long CacheRead, long Write5m, long Write1h);

    /// <summary>What becomes of one request.</summary>
    private sealed record Plan(Course Course, int? Failure, long Input, long Output, long CacheRead, string Text)
    {
        public const string EndOfText = "-end";
        private const long OneSearch = Money.NanoCentsPerCent;

        public long Write5m { get; init; }

        public long Write1h { get; init; }

        public long Searches { get; init; }

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static Plan Next(FuzzRandom random)
        {
            var isWithCache = random.Below(2) == 0;
            return new Plan(
                random.Of(Enum.GetValues<Course>()),
                random.Below(3) == 0 ? random.Of([500, 503, 529]) : null,
                1 + random.Below(200_000),
                1 + random.Below(20_000),
                1 + random.Below(200_000),
                new string('x', 1 + random.Below(2000)) + EndOfText)
            {
                Write5m = isWithCache ? random.Below(10_000) : 0,
                Write1h = isWithCache ? random.Below(10_000) : 0,
                Searches = random.Below(3),
            };
        }

        /// <summary>In billionths of a cent.</summary>
        public long Cost(int bodyBytes)
        {
            var rates = Failure is null ? Listed : Overridden;
            if (Course == Course.Abandoned)
            {
                return (bodyBytes + 3) / 4 * rates.Input;
            }

            var output = Course is Course.Cut or Course.Left ? (Text.Length + 3) / 4 : Output;
            var input = (Input * rates.Input) + (CacheRead * rates.CacheRead)
                + (Write5m * rates.Write5m) + (Write1h * rates.Write1h);
            return input + (output * rates.Output) + (Searches * OneSearch);
        }

        public object Usage(long output) => new
        {
            input_tokens = Input,
            output_tokens = output,
            cache_read_input_tokens = CacheRead,
            cache_creation_input_tokens = Write5m + Write1h,
            cache_creation = new { ephemeral_5m_input_tokens = Write5m, ephemeral_1h_input_tokens = Write1h },
            server_tool_use = new { web_search_requests = Searches },
        };

        /// <summary>One piece, so that whoever has read the end of the text has read all.</summary>
        public byte[] Beginning()
        {
            var usage = Course == Course.Divided
                ? (object)new { input_tokens = Input + CacheRead + Write5m + Write1h, output_tokens = 1 }
                : Usage(1);
            var start = new { type = "message_start", message = new { usage } };
            var delta = new { type = "content_block_delta", delta = new { type = "text_delta", text = Text } };
            return
            [
                .. FakeUpstream.Event("message_start", start),
                .. FakeUpstream.Event("content_block_delta", delta),
            ];
        }

        public byte[] End() => FakeUpstream.Event(
            "message_delta",
            new
            {
                type = "message_delta",
                usage = Course == Course.Divided ? Usage(Output) : new { output_tokens = Output },
            });
    }
}
