using ClaudeGateway.Cli;
using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Config;

public sealed class ExampleTests
{
    [Fact]
    public void The_example_configuration_is_read_without_a_word()
    {
        var environment = new ProcessEnvironment(new Dictionary<string, string>
        {
            ["OIDC_CLIENT_ID"] = "id",
            ["OIDC_CLIENT_SECRET"] = "secret",
            ["JWT_SECRET"] = new string('x', 64),
            ["DATABASE_URL"] = "postgres://gateway:secret@localhost/gateway",
            ["ANTHROPIC_API_KEY"] = "key",
            ["OTEL_TOKEN"] = "token",
        });
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var example = ServeCommand.Read(Repository.File("examples/gateway.yaml"), environment);
        var exitCode = CheckCommand.Run(example, print: false, environment, output, errors);
        Assert.Empty(errors.ToString());
        Assert.Equal(0, exitCode);
    }
}
