using System.Text;

namespace ClaudeGateway.Config.Yaml;

/// <summary>A file that holds a value of gateway.yaml (<c>${file:/absolute/path}</c>).</summary>
/// <param name="Text">Trimmed.</param>
/// <param name="CanBeReadAgain">Not so for a pipe, which gives what it holds once.</param>
internal sealed record ReferencedFile(string Text, bool CanBeReadAgain)
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>
    /// Null when there is more than a secret or a certificate can be; a device or a pipe has no length to ask for.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static ReferencedFile? Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[MaxBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > MaxBytes
            ? null
            : new ReferencedFile(
                Encoding.UTF8.GetString(bytes, 0, length).TrimStart('\uFEFF').Trim(), stream.CanSeek);
    }

    /// <summary>Nothing of it may be printed.</summary>
    public override string ToString() => nameof(ReferencedFile);
}
