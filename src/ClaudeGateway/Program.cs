using ClaudeGateway;

return await CommandLine.RunAsync(args);
