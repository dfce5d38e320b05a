using ClaudeGateway.Bench;

// The gateway runs in a child of this program, so that its processor time is its own.
return args is ["gateway", var upstream] ? await GatewayChild.RunAsync(new Uri(upstream)) : await StreamBenchmark.RunAsync();
