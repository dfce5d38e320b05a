using System.Runtime.InteropServices;

namespace ClaudeGateway.Logging;

/// <summary>Asks the system whether a write to standard error would block (poll(2)).</summary>
internal static class StderrReadiness
{
    private const int StandardError = 2;
    private const short Writable = 4; // POLLOUT

    /// <summary>
    /// A pipe that poll calls writable takes at least PIPE_BUF bytes at once (POSIX; 4,096 on Linux).
    /// </summary>
    private const int PipeBufferBytes = 4096;

    public static bool TakesAtOnce(int bytes)
    {
        if (bytes > PipeBufferBytes || !OperatingSystem.IsLinux())
        {
            return false;
        }

        var descriptor = new PollDescriptor { File = StandardError, Events = Writable };
        return Poll(ref descriptor, 1, 0) == 1 && descriptor.Returned == Writable;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int File;
        public short Events;
        public short Returned;
    }

#pragma warning disable SYSLIB1054 // The generated form would need unsafe code in the whole project.
    [DllImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMilliseconds);
#pragma warning restore SYSLIB1054
}
