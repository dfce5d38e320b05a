using ClaudeGateway.Testing;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace ClaudeGateway.IntegrationTests.Browser;

/// <summary>
/// The system's Chromium, one process for the whole test run, driven through Playwright; no browser is ever downloaded.
/// Each visitor has cookies and settings of its own.
/// </summary>
internal static class Chromium
{
    private static readonly Lazy<Task<IBrowser>> Shared = new(LaunchAsync);

    /// <summary>
    /// A visitor with nothing in the cookie jar. Skips the test where Chromium is not installed, but not under CI.
    /// </summary>
    public static async Task<IPage> NewVisitorAsync(
        bool javaScript = true, ColorScheme colors = ColorScheme.Light, bool phone = false)
    {
        var browser = await Shared.Value;
        var context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            JavaScriptEnabled = javaScript,
            ColorScheme = colors,
            ViewportSize = phone ? new ViewportSize { Width = 360, Height = 740 } : new ViewportSize
            {
                Width = 1280,
                Height = 800,
            },
        });
        context.SetDefaultTimeout((float)Signal.Timeout.TotalMilliseconds);
        return await context.NewPageAsync();
    }

    /// <summary>Does something that leads to another page, and waits until that page is there.</summary>
    public static async Task ToNextPageAsync(this IPage page, Func<Task> act)
    {
        var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnLoad(object? sender, IPage loadedPage) => loaded.TrySetResult();
        page.Load += OnLoad;
        await act();
        await loaded.Task.WaitAsync(Signal.Timeout);
        page.Load -= OnLoad;
    }

    /// <summary>What axe finds serious or critical on the page as it stands, one line each.</summary>
    public static async Task<IReadOnlyList<string>> SeriousProblemsAsync(this IPage page)
    {
        var result = await page.RunAxe();
        return
        [
            .. result.Violations.Where(IsSerious)
            .Select(v => $"{v.Id}: {v.Help} {string.Join(' ', v.Nodes.Select(n => n.Html))}")];
    }

    /// <summary>Whether nothing is wider than the window.</summary>
    public static Task<bool> FitsItsWidthAsync(this IPage page) =>
        page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

    private static bool IsSerious(AxeResultItem violation) => violation.Impact is "serious" or "critical";

    private static async Task<IBrowser> LaunchAsync()
    {
        var path = Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } given
            ? given
            : "/usr/bin/chromium";
        if (!File.Exists(path))
        {
            Assert.SkipWhen(
                string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI")),
                $"{path} is not there: install Chromium, or set CHROMIUM to its path");
            throw new InvalidOperationException($"{path} is not there");
        }

        var playwright = await Playwright.CreateAsync();
        return await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = path,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            ],
        });
    }
}
