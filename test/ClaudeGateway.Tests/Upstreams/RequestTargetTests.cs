using ClaudeGateway.Upstreams;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class RequestTargetTests
{
    [Fact]
    public async Task Requests_at_the_same_time_never_get_each_others_query()
    {
        var target = new RequestTarget("http://upstream/v1/messages");
        string[] queries = ["?a=1", "?b=%2F2", "?c=3&d", ""];

        var asking = queries.Concat(queries).Select(query => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (target.With(query).OriginalString != "http://upstream/v1/messages" + query)
                {
                    throw new InvalidOperationException("another request's query");
                }
            }
        }));

        await Task.WhenAll(asking);
    }
}
