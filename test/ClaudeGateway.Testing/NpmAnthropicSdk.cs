using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>Anthropic's SDK from npm, in a process of its own: a client of the admin API that is not ours.</summary>
internal static class NpmAnthropicSdk
{
    /// <summary>Where <c>./dev test</c> installs it, or the folder that ANTHROPIC_SDK names.</summary>
    public static string Folder => Environment.GetEnvironmentVariable("ANTHROPIC_SDK") is { Length: > 0 } given
        ? given
        : Repository.File(".dev/anthropic-sdk");

    public static bool IsInstalled => Directory.Exists(Path.Combine(Folder, "node_modules", "@anthropic-ai", "sdk"));

    /// <summary>What came of setting, listing, reading and deleting limits with it.</summary>
    public static async Task<JsonElement> AdministerAsync(Uri gateway, string writeKey, string readKey)
    {
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
        // Credentials and addresses of whoever runs the tests are none of its business.
        foreach (var name in start.Environment.Keys.Where(
            name => name.StartsWith("ANTHROPIC_", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var argument in (string[])[
            Repository.File("test/ClaudeGateway.Testing/anthropic-sdk.mjs"),
            Folder,
            gateway.GetLeftPart(UriPartial.Authority),
            writeKey,
            readKey])
        {
            start.ArgumentList.Add(argument);
        }

        System.Diagnostics.Process started;
        try
        {
            started = System.Diagnostics.Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException("node is not installed", e);
        }

        using var process = started;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Signal.Timeout);
        return process.ExitCode == 0
            ? JsonDocument.Parse(await output).RootElement
            : throw new InvalidOperationException($"the SDK failed: {await errors}");
    }
}
