using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn.Pages;

/// <summary>What a person sees who opens the gateway's address in a browser.</summary>
internal sealed class LandingPage(PublicOrigin origin)
{
    public void Map(Routes routes) => routes.Public("GET", "/", HandleAsync);

    private Task HandleAsync(GatewayRequest request) => Page.WriteAsync(
        request,
        200,
        "'none'",
        "Claude gateway",
        $"""
        <p>This address serves Claude Code and Claude Desktop in your organisation. There is nothing to do here in a
          browser.</p>
        <p>To use it, start <code>claude</code> in a terminal, run <code>/login</code>, choose the gateway and give it
          this address:</p>
        <p class="notice"><code>{Page.Encode(origin.Of(request))}</code></p>
        <p class="soft">Have a code already? <a href="/device">Enter it</a>. Building a client? Read <a
          href="/protocol">the protocol</a>.</p>
        """);
}
