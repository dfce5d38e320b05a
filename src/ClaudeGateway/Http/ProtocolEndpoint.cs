namespace ClaudeGateway.Http;

/// <summary>GET /protocol: docs/protocol.md of this build, the contract its clients may rely on.</summary>
internal sealed class ProtocolEndpoint
{
    private const string Markdown = "text/markdown; charset=utf-8";

    private readonly Lazy<byte[]> _page = new(Read);

    public void Map(Routes routes) =>
        routes.Public("GET", "/protocol", request => Answers.WriteAsync(request, 200, Markdown, _page.Value));

    private static byte[] Read()
    {
        using var stream = typeof(ProtocolEndpoint).Assembly.GetManifestResourceStream("protocol.md")
            ?? throw new InvalidOperationException("protocol.md is not embedded");
        using var page = new MemoryStream();
        stream.CopyTo(page);
        return page.ToArray();
    }
}
