using System.Net;
using ClaudeGateway.Http;
using ClaudeGateway.Messages;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Messages;

public sealed class LoadTestUserTests
{
    [Theory]
    [InlineData(null, "alice", null)]
    [InlineData("7", "alice+loadtest-7", "alice")]
    [InlineData("007", "alice+loadtest-7", "alice")]
    public void The_header_makes_up_a_developer_who_knows_the_real_one(string? header, string sub, string? playedBy)
    {
        var user = Of(header);
        Assert.Equal((sub, playedBy, "alice@example.com"), (user?.Sub, user?.PlayedBy, user?.Email));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("12345678")]
    public void What_is_no_number_is_nobody(string header) => Assert.Null(Of(header));

    private static Principal? Of(string? header)
    {
        var http = new DefaultHttpContext();
        if (header is not null)
        {
            http.Request.Headers["x-load-test-user"] = header;
        }

        return LoadTestUser.Of(
            new GatewayRequest(http, "req-1", IPAddress.Loopback, 0),
            new Principal("alice", "alice@example.com", null, [])
            {
                ExpiresAt = DateTimeOffset.MaxValue,
            });
    }
}
