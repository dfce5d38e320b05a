namespace ClaudeGateway.Testing;

/// <summary>A scripted OTLP collector: accepts every export unless told another status.</summary>
internal sealed class FakeCollector : IAsyncDisposable
{
    public FakeCollector()
    {
        Server = new FakeServer(e => Script?.Invoke(e) ?? e.RespondJsonAsync(Status, new { }));
    }

    public FakeServer Server { get; }

    public Uri Url => Server.Url;

    public int Status { get; set; } = 200;

    /// <summary>Replaces the whole answer.</summary>
    public Func<FakeExchange, Task>? Script { get; set; }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
