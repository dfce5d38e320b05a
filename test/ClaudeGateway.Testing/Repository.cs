namespace ClaudeGateway.Testing;

/// <summary>The checked-out repository the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    public static string File(string path) => Path.Combine(Root, path);

    private static string Find(DirectoryInfo? folder) =>
        folder is null ? throw new InvalidOperationException($"no ClaudeGateway.slnx above {AppContext.BaseDirectory}")
        : System.IO.File.Exists(Path.Combine(folder.FullName, "ClaudeGateway.slnx")) ? folder.FullName
        : Find(folder.Parent);
}
