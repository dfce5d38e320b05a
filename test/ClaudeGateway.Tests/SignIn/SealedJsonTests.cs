using System.Text;
using System.Text.Json;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Device;

namespace ClaudeGateway.Tests.SignIn;

/// <summary>Sealed values outlive the version that wrote them: their form stays.</summary>
public sealed class SealedJsonTests
{
    private const string Refresh =
        """{"IdpToken":"t","Sub":"alice","SessionId":"s-1","IssuedAt":"2026-01-02T03:04:05+00:00","IdpSub":"idp-alice"}""";

    private const string Pending =
        """{"Identity":{"Sub":"alice","Email":"a@example.com","Name":null,"Groups":["dev","ops"]},"SessionId":"s-1","RefreshToken":"t","IdpSub":null}""";

    [Fact]
    public void A_refresh_tokens_content_is_written_as_ever()
    {
        var content = new RefreshTokenContent(
            "t", "alice", "s-1", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "idp-alice");
        Assert.Equal(
            Refresh,
            Encoding.UTF8.GetString(
                JsonSerializer.SerializeToUtf8Bytes(content, SealedJson.Default.RefreshTokenContent)));
        Assert.Equal(content, JsonSerializer.Deserialize(Refresh, SealedJson.Default.RefreshTokenContent));
    }

    [Fact]
    public void A_refresh_token_of_before_the_IdPs_subject_was_kept_is_read()
    {
        var older = Refresh.Replace(",\"IdpSub\":\"idp-alice\"", "", StringComparison.Ordinal);
        Assert.Null(JsonSerializer.Deserialize(older, SealedJson.Default.RefreshTokenContent)!.IdpSub);
    }

    [Fact]
    public void A_pending_session_is_written_as_ever()
    {
        var session = new PendingSession(new Identity("alice", "a@example.com", null, ["dev", "ops"]), "s-1", "t");
        Assert.Equal(
            Pending,
            Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(session, SealedJson.Default.PendingSession)));
        var read = JsonSerializer.Deserialize(Pending, SealedJson.Default.PendingSession)!;
        Assert.Equal(session.Identity.Groups, read.Identity.Groups);
        Assert.Equal(session with { Identity = read.Identity }, read);
    }
}
