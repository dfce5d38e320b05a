using ClaudeGateway.Managed.Desktop;

namespace ClaudeGateway.Tests.Managed;

public sealed class DesktopSessionTests
{
    [Theory]
    [InlineData("claude-cli/2.1.328 (external, claude-desktop)", true)]
    [InlineData("claude-cli/2.1.328 (external, claude-desktop, agent-sdk/0.1)", true)]
    [InlineData("claude-code/2 (external,claude-desktop)", true)]
    [InlineData("claude-cli/2 (external, claude-desktop-3p)", true)]
    [InlineData("claude-cli/2 (external, sdk-cli, local-agent)", true)]
    [InlineData("claude-cli/2 (claude-desktop)", true)]
    [InlineData("claude-cli/2 (external, cli)", false)]
    [InlineData("claude-cli/2 (external, claude-desktop-x)", false)]
    [InlineData("claude-cli/2 (external, LOCAL-AGENT)", false)]
    [InlineData("Claude-CLI/2 (external, claude-desktop)", false)]
    [InlineData("x claude-cli/2 (external, claude-desktop)", false)]
    [InlineData("claude-cli/ (external, claude-desktop)", false)]
    [InlineData("claude-cli/2  (external, claude-desktop)", false)]
    [InlineData("claude-cli/2 x (external, claude-desktop)", false)]
    [InlineData("claude-cli/2 (external, claude-desktop", false)]
    [InlineData("curl/8", false)]
    [InlineData("", false)]
    public void Claude_Code_inside_Claude_Desktop_is_told_by_its_user_agent(string userAgent, bool isDesktop) =>
        Assert.Equal(isDesktop, DesktopSession.Is(userAgent));
}
