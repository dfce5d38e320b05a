using ClaudeGateway.Config;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Tests.Sessions;

public sealed class RequireSessionTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly SessionTokens _tokens;
    private readonly Revocations _revocations;
    private readonly RequireSession _session;
    private readonly string _bearer;

    public RequireSessionTests()
    {
        _tokens = new SessionTokens(
            new SessionSecrets([new Secret(TestConfig.JwtSecret)]), null, TimeSpan.FromHours(1), _clock);
        _revocations = new Revocations(_clock);
        _session = new RequireSession(_tokens, _revocations, _clock);
        _bearer = _tokens.Mint(new Identity("alice", "alice@example.com", "Alice", ["eng", "ops"]), "s1").Token;
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("bearer")]
    [InlineData("BEARER")]
    public void The_scheme_is_taken_in_any_case(string scheme) =>
        Assert.Equal("alice", Check($"{scheme} {_bearer}").Principal?.Sub);

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic YTpi")]
    [InlineData("")]
    public void Any_other_header_is_an_invalid_token(string header)
    {
        var result = Check(header);
        Assert.Null(result.Principal);
        Assert.Equal("invalid_token", result.Reason);
    }

    [Fact]
    public void No_header_is_a_missing_token() =>
        Assert.Equal("missing_token", _session.Check(new HeaderDictionary()).Reason);

    [Fact]
    public void Two_headers_are_an_invalid_token() =>
        Assert.Null(
            _session.Check(
                new HeaderDictionary
                {
                    ["Authorization"] = new StringValues([$"Bearer {_bearer}",
                    "Bearer x"])
                }).Principal);

    [Fact]
    public void A_remembered_bearer_still_expires()
    {
        Assert.NotNull(Check($"Bearer {_bearer}").Principal);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(Check($"Bearer {_bearer}").Principal);
    }

    [Fact]
    public void A_remembered_bearer_is_refused_once_revoked()
    {
        Assert.NotNull(Check($"Bearer {_bearer}").Principal);
        _revocations.Add(
            new Revocation(RevocationKind.Session, "s1", _clock.GetUtcNow(),
                _clock.GetUtcNow() + TimeSpan.FromDays(1)));
        Assert.Null(Check($"Bearer {_bearer}").Principal);
    }

    [Fact]
    public void A_known_bearer_costs_no_allocation()
    {
        var headers = new HeaderDictionary { ["Authorization"] = $"Bearer {_bearer}" };
        for (var i = 0; i < 100; i++)
        {
            Assert.NotNull(_session.Check(headers).Principal);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = _session.Check(headers);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private RequireSession.Result Check(string header) => _session.Check(new HeaderDictionary
    {
        ["Authorization"] = header,
    });
}
