using System.Numerics;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Adapting;

namespace ClaudeGateway.Tests.Upstreams.Adapting;

public sealed class BetaKnowledgeTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly HashSet<string> _bad = [];
    private int _retries;

    [Fact]
    public void Whatever_betas_are_bad_each_good_one_is_soon_sent_again_and_each_bad_one_never()
    {
        // Every set of bad ones among up to nine.
        for (var set = 0; set < 1 << 10; set++)
        {
            var count = Math.Max(1, BitOperations.Log2((uint)Math.Max(1, set)));
            var betas = Enumerable.Range(0, count).Select(i => $"beta-{i}").ToArray();
            _bad.Clear();
            _bad.UnionWith(betas.Where((_, i) => (set & (1 << i)) != 0));
            var good = betas.Where(beta => !_bad.Contains(beta)).ToArray();
            var known = new BetaKnowledge(_clock);
            var leftOut = betas.ToDictionary(beta => beta, _ => 0);

            // The first is refused, and each one after it tells of one beta.
            for (var request = 0; request <= betas.Length; request++)
            {
                var served = Ask(known, betas);
                foreach (var missing in betas.Except(served))
                {
                    leftOut[missing]++;
                }
            }

            Assert.Equal(good, Ask(known, betas, mayRetry: false));
            Assert.All(good, beta => Assert.InRange(leftOut[beta], 0, betas.Length));
        }
    }

    [Fact]
    public void Whoever_asks_with_other_betas_helps_and_is_not_held_back()
    {
        _bad.Add("bad");
        var known = new BetaKnowledge(_clock);
        Ask(known, ["good", "bad"]);

        Assert.Equal(["other"], Ask(known, ["other"], mayRetry: false));
        Assert.Equal(["good"], Ask(known, ["good"], mayRetry: false));
        Assert.Equal(["other", "good"], Ask(known, ["other", "good", "bad"]));
        Assert.Equal(["other", "good"], Ask(known, ["other", "good", "bad"], mayRetry: false));
    }

    [Fact]
    public void A_beta_that_was_accepted_is_never_suspected()
    {
        _bad.Add("new");
        var known = new BetaKnowledge(_clock);
        Ask(known, ["a", "b"]);

        Assert.Equal(["a", "b"], Ask(known, ["a", "b", "new"]));
        Assert.Equal(["a", "b"], Ask(known, ["a", "b", "new"], mayRetry: false));
        Assert.Equal(1, _retries);
    }

    [Fact]
    public void The_beta_found_out_is_told_once()
    {
        var known = new BetaKnowledge(_clock);
        known.Accept(["good"]);

        Assert.Equal("bad", known.Refuse(["good", "bad"]).Learnt);
        Assert.Null(known.Refuse(["good", "bad"]).Learnt);
    }

    [Fact]
    public void All_is_forgotten_after_hours()
    {
        _bad.Add("bad");
        var known = new BetaKnowledge(_clock);
        Ask(known, ["good"]);
        Ask(known, ["good", "bad"]);
        Assert.Equal(["bad"], known.Withhold(["good", "bad"]));
        _clock.Advance(BetaKnowledge.Keep);

        Assert.Empty(known.Withhold(["good", "bad"]));
        _bad.Clear();
        Assert.Equal(["good", "bad"], Ask(known, ["good", "bad"], mayRetry: false));
    }

    [Fact]
    public void What_is_in_use_stays_known()
    {
        _bad.Add("bad");
        var known = new BetaKnowledge(_clock);
        for (var hour = 0; hour < 24; hour++)
        {
            Ask(known, ["good"]);
            _clock.Advance(TimeSpan.FromHours(1));
        }

        Assert.Equal(["good"], Ask(known, ["good", "bad"]));
        Assert.Equal("bad", Assert.Single(known.Withhold(["good", "bad"])));
    }

    [Fact]
    public void An_upstream_that_changes_its_mind_is_learnt_anew()
    {
        var known = new BetaKnowledge(_clock);
        Ask(known, ["a", "b"]);
        _bad.Add("a");

        Assert.Equal([], Ask(known, ["a", "b"]));
        Ask(known, ["a", "b"]);
        Ask(known, ["a", "b"]);
        Assert.Equal(["b"], Ask(known, ["a", "b"], mayRetry: false));
    }

    [Fact]
    public void A_conclusion_is_taken_back_when_the_second_attempt_is_refused_as_well()
    {
        var known = new BetaKnowledge(_clock);
        known.Accept(["was-good"]);
        Assert.Equal("innocent", known.Refuse(["was-good", "innocent"]).Learnt);
        known.RefuseAgain(["innocent"], ["was-good"]);
        _bad.Add("was-good");

        Ask(known, ["was-good", "innocent"]);
        Assert.Equal(["innocent"], Ask(known, ["was-good", "innocent"], mayRetry: false));
    }

    [Fact]
    public void One_suspect_is_tried_by_one_request_at_a_time_but_not_for_ever()
    {
        var known = new BetaKnowledge(_clock);
        known.Refuse(["a", "b"]);

        Assert.Equal(["b"], known.Withhold(["a", "b"]));
        Assert.Equal(["a"], known.Withhold(["a", "b"]));
        Assert.Equal(["a", "b"], known.Withhold(["a", "b"]));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["b"], known.Withhold(["a", "b"]));
    }

    [Fact]
    public void A_client_that_makes_names_up_fills_no_memory_and_drives_out_nothing_that_works()
    {
        var known = new BetaKnowledge(_clock);
        Ask(known, ["good"]);
        for (var i = 0; i < 1000; i++)
        {
            _bad.Add($"made-up-{i}");
            Ask(known, ["good", $"made-up-{i}"]);
        }

        var flood = Enumerable.Range(0, 500).Select(i => $"flood-{i}").Append(new string('x', 10_000)).ToArray();
        _bad.UnionWith(flood);
        Ask(known, flood);

        Assert.InRange(known.Count, 1, BetaKnowledge.MaxRemembered);
        _bad.Add("bad");
        Assert.Equal(["good"], Ask(known, ["good", "bad"]));
        Assert.Equal(["good"], Ask(known, ["good", "bad"], mayRetry: false));
    }

    [Fact]
    public async Task Many_at_once_end_with_the_same_knowledge()
    {
        string[] betas = ["a", "b", "c", "d", "e", "f"];
        _bad.UnionWith(["b", "e"]);
        var known = new BetaKnowledge(TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 50; i++)
            {
                Ask(known, betas);
            }
        })));

        Assert.Equal(["a", "c", "d", "f"], Ask(known, betas, mayRetry: false));
    }

    /// <summary>A request to a cloud that takes all but the bad ones. What it is served with in the end.</summary>
    private string[] Ask(BetaKnowledge known, string[] betas, bool mayRetry = true)
    {
        var sent = betas.Except(known.Withhold(betas)).ToArray();
        if (sent.Any(_bad.Contains))
        {
            Assert.True(mayRetry, "it is asked twice: " + string.Join(", ", sent));
            Interlocked.Increment(ref _retries);
            var (leftOut, _) = known.Refuse(sent);
            Assert.NotEmpty(leftOut);
            sent = [.. sent.Except(leftOut)];
            Assert.DoesNotContain(sent, _bad.Contains);
        }

        known.Accept(sent);
        return sent;
    }
}
