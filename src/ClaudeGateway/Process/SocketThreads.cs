namespace ClaudeGateway.Process;

/// <summary>
/// Has the runtime run the continuation of a socket operation on the thread that saw it complete, one such thread per
/// processor, instead of handing it to the thread pool. Relaying a streamed answer costs 60 % of the CPU then
/// (docs/performance.md), most of it saved on waking threads. The price: what runs on such a thread must never block or
/// compute for long, or all its sockets wait. Only the inference path does; every other handler leaves it first
/// (<see cref="LeaveAsync"/>).
/// </summary>
internal static class SocketThreads
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>
    /// To read through more bytes than this takes some tenths of a millisecond: the sockets that wait for the thread
    /// have no time for that.
    /// </summary>
    public const int MaxInlineBytes = 512 * 1024;

    /// <summary>An operator's own setting of the variable stands.</summary>
    public static void CompleteInline()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }
    }

    /// <summary>Goes on in the thread pool.</summary>
    public static async Task LeaveAsync() =>
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
}
