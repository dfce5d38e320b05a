using ClaudeGateway.Bench;
using ClaudeGateway.Process;

// As the real process does, before any socket is opened: its figures are to be those of the real process.
SocketThreads.CompleteInline();
return args switch
{
    // A gateway in a child of this program, so that its processor time and its allocations are its own.
    ["gateway", var upstream] => await GatewayChild.RunAsync(new Uri(upstream)),
    [] => await BenchRun.RunAsync(keep: false),
    ["--micro"] => BenchRun.RunMicro(),
    ["--keep"] => await BenchRun.RunAsync(keep: true),
    _ => BenchRun.Usage(),
};
