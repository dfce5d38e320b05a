namespace ClaudeGateway.Telemetry;

/// <summary>One export as a client sent it; the body goes on byte for byte and is shared by all destinations.</summary>
internal sealed record OtlpExport(OtlpSignal Signal, byte[] Body, string? ContentType, string? ContentEncoding);
