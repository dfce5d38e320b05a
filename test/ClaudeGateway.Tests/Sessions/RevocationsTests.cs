using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Sessions;

public sealed class RevocationsTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly Revocations _revocations;

    public RevocationsTests() => _revocations = new Revocations(_clock);

    [Fact]
    public void A_session_ends_with_all_its_bearers_and_no_other_does()
    {
        _revocations.Add(Revocation(RevocationKind.Session, "s1"));
        Assert.True(_revocations.Covers(Bearer(token: "t1", session: "s1")));
        Assert.True(_revocations.Covers(Bearer(token: "t2", session: "s1")));
        Assert.False(_revocations.Covers(Bearer(token: "t3", session: "s2")));
    }

    [Fact]
    public void A_bearer_without_a_session_ends_alone()
    {
        _revocations.Add(Revocation(RevocationKind.Token, "t1"));
        Assert.True(_revocations.Covers(Bearer(token: "t1", session: null)));
        Assert.False(_revocations.Covers(Bearer(token: "t2", session: null)));
    }

    [Fact]
    public void Signing_a_person_out_ends_what_they_hold_and_lets_them_sign_in_again()
    {
        var before = Bearer("t1", "s1");
        _revocations.Add(Revocation(RevocationKind.Subject, "alice"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_revocations.Covers(before));
        Assert.False(_revocations.Covers(Bearer("t2", "s2")));
        Assert.False(_revocations.Covers(before with { Sub = "bob" }));
    }

    [Fact]
    public void A_later_sign_out_is_not_undone_by_hearing_of_an_earlier_one()
    {
        var early = Revocation(RevocationKind.Subject, "alice");
        _clock.Advance(TimeSpan.FromMinutes(1));
        var late = Revocation(RevocationKind.Subject, "alice");
        var between = Bearer("t1", "s1") with { IssuedAt = early.At + TimeSpan.FromSeconds(30) };
        _revocations.Add(late);
        _revocations.Add(early);
        Assert.True(_revocations.Covers(between));
    }

    [Fact]
    public void What_is_over_is_forgotten()
    {
        _revocations.Add(Revocation(RevocationKind.Session, "s1"));
        _clock.Advance(TimeSpan.FromHours(2));
        _revocations.Prune();
        Assert.False(_revocations.Covers(Bearer("t1", "s1")));
    }

    private Revocation Revocation(RevocationKind kind, string id) =>
        new(kind, id, _clock.GetUtcNow(), _clock.GetUtcNow() + TimeSpan.FromHours(1));

    private Principal Bearer(string token, string? session) => new("alice", null, null, [])
    {
        ExpiresAt = _clock.GetUtcNow() + TimeSpan.FromHours(1),
        IssuedAt = _clock.GetUtcNow(),
        TokenId = token,
        SessionId = session,
    };
}
