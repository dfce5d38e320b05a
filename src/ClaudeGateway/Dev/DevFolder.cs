using System.Security.Cryptography;
using ClaudeGateway.Process;

namespace ClaudeGateway.Dev;

/// <summary>
/// The folder in which <c>dev</c> keeps everything it needs again: secrets, the identity provider's key, the store.
/// Readable by its owner only, used by one process at a time.
/// </summary>
internal sealed class DevFolder : IDisposable
{
    public const string DefaultName = ".claude-gateway";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private DevFolder(string path, FileStream @lock)
    {
        Root = path;
        _lock = @lock;
    }

    /// <summary>The absolute path.</summary>
    public string Root { get; }

    /// <summary>Opens the folder, making it when it is not there.</summary>
    /// <exception cref="OperatorException">It cannot be written, or another process uses it.</exception>
    public static DevFolder Open(string path)
    {
        var root = Path.GetFullPath(path);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(root);
            }
            else
            {
                Directory.CreateDirectory(root, OwnerOnly | UnixFileMode.UserExecute);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(root, e);
        }

        var lockFile = Path.Combine(root, "lock");
        try
        {
            return new DevFolder(
                root, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(lockFile))
        {
            throw new OperatorException(
                $"{root} is in use by another claude-gateway: stop it, or choose another folder with --data", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(root, e);
        }
    }

    public string PathOf(string name) => Path.Combine(Root, name);

    /// <summary>Writes a file that only its owner may read.</summary>
    public void Write(string name, string text)
    {
        var path = PathOf(name);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using var writer = new StreamWriter(path, options);
            writer.Write(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    /// <summary>
    /// A random value of 256 bits, the same at every start; its file can be named by <c>${file:}</c>.
    /// </summary>
    public string Secret(string name) => Keep(name, () => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

    /// <summary>An RSA key of 2048 bits, the same at every start.</summary>
    public RSA RsaKey(string name)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(Keep(name, NewKey));
            return key;
        }
        catch (ArgumentException e)
        {
            key.Dispose();
            throw new OperatorException($"{PathOf(name)} is not a PEM key: delete it, and a new one is made", e);
        }
    }

    public void Dispose() => _lock.Dispose();

    private string Keep(string name, Func<string> make)
    {
        var path = PathOf(name);
        try
        {
            if (File.Exists(path))
            {
                return File.ReadAllText(path).Trim();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{path} cannot be read: {e.Message}", e);
        }

        var value = make();
        Write(name, value);
        return value;
    }

    private static string NewKey()
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static OperatorException Unwritable(string path, Exception e) =>
        new($"{path} cannot be written: {e.Message} Choose another folder with --data", e);
}
