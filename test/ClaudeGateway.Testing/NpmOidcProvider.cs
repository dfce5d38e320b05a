using System.ComponentModel;
using System.Diagnostics;

namespace ClaudeGateway.Testing;

/// <summary>npm's oidc-provider in a process of its own: an independent, certified peer for the sign-in.</summary>
internal sealed class NpmOidcProvider : IAsyncDisposable
{
    private readonly System.Diagnostics.Process _process;

    private NpmOidcProvider(System.Diagnostics.Process process, string issuer)
    {
        _process = process;
        Issuer = issuer;
    }

    public string Issuer { get; }

    /// <summary>Where <c>./dev test</c> installs it, or the folder that OIDC_PROVIDER names.</summary>
    public static string Folder =>
        Environment.GetEnvironmentVariable("OIDC_PROVIDER") is { Length: > 0 } given ? given : Repository.File(".dev");

    public static bool IsInstalled => Directory.Exists(Path.Combine(Folder, "node_modules", "oidc-provider"));

    /// <param name="redirectUri">The only one it accepts.</param>
    /// <param name="algorithm">Signs its id_tokens: RS256, PS256, ES256 or EdDSA.</param>
    /// <param name="rotates">Whether each refresh ends the refresh token; a second use then ends the sign-in.</param>
    public static async Task<NpmOidcProvider> StartAsync(
        string redirectUri, string algorithm, bool rotates = false)
    {
        var port = Ports.Free();
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[
            Repository.File("test/ClaudeGateway.Testing/oidc-provider.mjs"), Folder, $"{port}", redirectUri, algorithm,
            rotates ? "rotate" : "keep"])
        {
            start.ArgumentList.Add(argument);
        }

        System.Diagnostics.Process process;
        try
        {
            process = System.Diagnostics.Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException("node is not installed", e);
        }

        var errors = process.StandardError.ReadToEndAsync();
        if (await process.StandardOutput.ReadLineAsync().WaitAsync(Signal.Timeout) != "ready")
        {
            throw new InvalidOperationException($"oidc-provider did not start: {await errors}");
        }

        return new NpmOidcProvider(process, $"http://localhost:{port}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Signal.Timeout);
        _process.Dispose();
    }
}
