namespace ClaudeGateway.Sources;

/// <summary>Where a running gateway got its configuration from.</summary>
/// <param name="First">What it began with.</param>
internal sealed record RemoteOrigin(RemoteConfig Source, FetchedConfig First);
