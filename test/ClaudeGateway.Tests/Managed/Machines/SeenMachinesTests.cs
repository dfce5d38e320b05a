using System.Globalization;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Managed.Machines;

public sealed class SeenMachinesTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly SeenMachines _machines;

    public SeenMachinesTests() => _machines = new SeenMachines(_clock);

    [Fact]
    public void A_machine_that_runs_on_unchanged_is_written_once_an_hour()
    {
        See("a", '1');
        Assert.Single(Taken());
        _clock.Advance(TimeSpan.FromMinutes(59));
        See("a", '1');
        Assert.Empty(_machines.TakeUnwritten(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        See("a", '1');
        Assert.Equal(
            new Sighting("111111111111", _clock.GetUtcNow().ToUnixTimeMilliseconds()), Assert.Single(Taken()).Value);
    }

    [Fact]
    public void A_changed_version_is_written_at_once_and_only_the_last_of_several()
    {
        See("a", '1');
        Taken();
        See("a", '2');
        See("a", '3');
        Assert.Equal(
            ("a", "333333333333"), Assert.Single(Taken()) is var only ? (only.Key, only.Value.Version) : default);
    }

    [Fact]
    public void What_could_not_be_written_waits_unless_something_newer_does()
    {
        See("a", '1');
        See("b", '1');
        var taken = Taken();
        See("a", '2');
        _machines.Return(taken);
        Assert.Equal([("a", '2'), ("b", '1')], Taken().Select(s => (s.Key, s.Value.Version[0])).OrderBy(s => s.Key));
    }

    [Fact]
    public void What_waits_in_a_long_outage_is_bounded()
    {
        for (var i = 0; i < SeenMachines.Capacity; i++)
        {
            See(i.ToString(CultureInfo.InvariantCulture), '1');
        }

        _clock.Advance(TimeSpan.FromHours(1));
        _machines.Forget();
        See("new", '1');
        See("7", '2');
        var taken = _machines.TakeUnwritten(int.MaxValue);
        Assert.Equal(SeenMachines.Capacity, taken.Count);
        Assert.Equal("222222222222", taken.Single(sighting => sighting.Key == "7").Value.Version);
        See("new", '2');
        _machines.Return(taken);
        Assert.Equal(SeenMachines.Capacity, _machines.TakeUnwritten(int.MaxValue).Count);
    }

    [Fact]
    public void No_more_are_taken_than_asked_for()
    {
        See("a", '1');
        See("b", '1');
        Assert.Single(_machines.TakeUnwritten(1));
        Assert.Single(_machines.TakeUnwritten(1));
        Assert.Empty(_machines.TakeUnwritten(1));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("an identifier with blanks")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_bearer_without_a_session_of_ours_is_no_machine(string? session)
    {
        See(session, '1');
        Assert.Empty(_machines.TakeUnwritten(1));
    }

    [Fact]
    public void A_client_that_does_not_say_what_it_runs_is_not_counted()
    {
        _machines.See(Developer("a"), null);
        _machines.See(Developer("a"), "");
        _machines.See(Developer("a"), "sha256:abc");
        Assert.Empty(_machines.TakeUnwritten(1));
    }

    [Fact]
    public void A_full_table_takes_new_machines_when_others_have_gone_home()
    {
        for (var i = 0; i < SeenMachines.Capacity; i++)
        {
            _machines.See(Developer(i.ToString(CultureInfo.InvariantCulture)), Checksum('1'));
        }

        See("late", '1');
        Assert.DoesNotContain(Taken(), sighting => sighting.Key == "late");
        See("0", '2');
        Assert.Equal("0", Assert.Single(Taken()).Key);

        _clock.Advance(TimeSpan.FromHours(1));
        _machines.Forget();
        See("late", '1');
        Assert.Equal("late", Assert.Single(Taken()).Key);
    }

    [Fact]
    public void A_known_machine_costs_no_memory()
    {
        var (developer, checksum) = (Developer("a"), Checksum('1'));
        _machines.See(developer, checksum);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _machines.See(developer, checksum);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    private List<KeyValuePair<string, Sighting>> Taken() => _machines.TakeUnwritten(int.MaxValue);

    private void See(string? session, char digit) => _machines.See(Developer(session), Checksum(digit));

    private static string Checksum(char digit) => "sha256:" + new string(digit, 64);

    private static Principal Developer(string? session) => new("alice", null, null, [])
    {
        ExpiresAt = DateTimeOffset.MaxValue,
        SessionId = session,
    };
}
