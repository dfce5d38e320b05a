namespace ClaudeGateway.Testing;

/// <summary>
/// A folder of one test's own that is gone afterwards: when disposed of, or else with the test process.
/// </summary>
internal sealed class TemporaryFolder : IDisposable
{
    private static readonly Lazy<DirectoryInfo> Root = new(CreateRoot);

    public string Path { get; } = Directory.CreateDirectory(
        System.IO.Path.Combine(Root.Value.FullName, Guid.NewGuid().ToString("N"))).FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static DirectoryInfo CreateRoot()
    {
        var root = Directory.CreateTempSubdirectory("claude-gateway-test-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => root.Delete(recursive: true);
        return root;
    }
}
