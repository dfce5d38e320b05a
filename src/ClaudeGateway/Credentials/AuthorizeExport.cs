namespace ClaudeGateway.Credentials;

/// <summary>
/// Adds the credential a collector asks for to an otherwise finished export; fails with a message that names the cause
/// and no secret.
/// </summary>
internal delegate ValueTask AuthorizeExport(
    HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellation);
