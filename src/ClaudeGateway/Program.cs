using ClaudeGateway.Cli;
using ClaudeGateway.Process;

// Before any socket is opened: the runtime reads it once.
SocketThreads.CompleteInline();
return await CommandLine.RunAsync(args);
