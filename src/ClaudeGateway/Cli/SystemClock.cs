namespace ClaudeGateway.Cli;

/// <summary>Where the machine's clock is taken; every room below has it handed in.</summary>
internal static class SystemClock
{
#pragma warning disable RS0030 // The one place.
    public static TimeProvider Instance => TimeProvider.System;
#pragma warning restore RS0030
}
