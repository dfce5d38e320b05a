using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Threading.Channels;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Sources;

namespace ClaudeGateway.Composition;

/// <summary>
/// SIGHUP: the file is read again, checked whole and put in force at once, or refused with its errors while the old
/// configuration stays. Keys that cannot change in a running process say so themselves
/// (<see cref="Config.Shapes.Key.NeedsRestart"/>); they are named and keep the value they began with. A configuration
/// at a URL is besides looked at again and again, see <see cref="PollAsync"/>.
/// </summary>
/// <param name="origin">Null for a file.</param>
internal sealed class ConfigReload(
    GatewayApp app,
    ConfigReadResult inForce,
    RemoteOrigin? origin,
    ProcessEnvironment environment,
    TimeProvider clock,
    OperationalLog log) : IDisposable
{
    private const string HangUp = "SIGHUP";
    private const string Poll = "config";
    private const string FetchTrouble = "fetch: ";

    private readonly string _path = inForce.Path;

    /// <summary>Held by whoever reads and puts in force: a signal and a poll may come together.</summary>
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>What was last judged, in force or refused for what it says; null for a file.</summary>
    private FetchedConfig? _known = origin?.First;
    private bool _knownIsInForce = true;

    /// <summary>Of the bytes of a file that was last judged, in force or refused for what it says.</summary>
    private string _knownHash = inForce.Config!.Sha256;

    /// <summary>Why the last poll failed, so that it is said once; null after one that did not.</summary>
    private string? _trouble;

    /// <summary>
    /// Reloads whenever asked, one after the other, until <paramref name="stop"/>. Never throws: whatever a reload
    /// fails of, the next one may come.
    /// </summary>
    public async Task RunAsync(ChannelReader<bool> asked, CancellationToken stop)
    {
        try
        {
            await foreach (var _ in asked.ReadAllAsync(stop))
            {
                await ReloadAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    /// <summary>Whether the configuration as it is now is in force.</summary>
    /// <exception cref="OperationCanceledException">The gateway stops; nothing else is thrown.</exception>
    public async Task<bool> ReloadAsync(CancellationToken cancellation)
    {
        if (inForce.DescribeProblem is not null)
        {
            log.Warn(
                "SIGHUP: the gateway was started from environment variables, which cannot change; nothing is reloaded");
            return false;
        }

        await _one.WaitAsync(cancellation);
        try
        {
            if (origin is null)
            {
                return await PutInForceAsync(
                    HangUp, () => GatewayConfigReader.Read(_path, environment, inForce), null, cancellation)
                    is Outcome.InForce;
            }

            // Without naming the version that is known: what the file refers to may have changed while it has not.
            var fetched = (await origin.Source.FetchAsync(null, cancellation))!;
            SayItIsBack();
            return await JudgeAsync(HangUp, fetched, cancellation);
        }
        catch (ConfigFetchException e)
        {
            return Refuse(HangUp, [e.Message]) is Outcome.InForce;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Asks the URL, or looks at the file, whether there is another version, and puts it in force as a signal does. One
    /// that is refused for what it says is not judged again until it changes; one that a service kept from coming into
    /// force (the identity provider, the store) is tried again at the next poll.
    /// </summary>
    public async Task PollAsync(CancellationToken stop)
    {
        try
        {
            await _one.WaitAsync(stop);
            try
            {
                await (origin is null ? PollFileAsync(stop) : PollOnceAsync(stop));
            }
            finally
            {
                _one.Release();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task PollOnceAsync(CancellationToken stop)
    {
        FetchedConfig? fetched;
        try
        {
            fetched = await origin!.Source.FetchAsync(_known, stop);
        }
        catch (ConfigFetchException e)
        {
            if (IsNews(FetchTrouble + e.Kind))
            {
                log.Warn(
                    $"config: {e.Message}; the configuration in force stays, and the next poll tries again");
            }
            else
            {
                log.Debug($"config: {e.Message}");
            }

            return;
        }

        if (fetched is not null && !IsKnown(fetched))
        {
            SayItIsBack();
            await JudgeAsync(Poll, fetched, stop);
            return;
        }

        SayItIsBack();
        _trouble = null;
        _known = fetched ?? _known;
    }

    /// <summary>
    /// A file that is read in the middle of being written is refused, and looked at again when it is whole.
    /// </summary>
    private async Task PollFileAsync(CancellationToken stop)
    {
        if (inForce.DescribeProblem is not null)
        {
            return;
        }

        string hash;
        try
        {
            hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_path, stop)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (IsNews(FetchTrouble + e.GetType().Name))
            {
                log.Warn($"config: {e.Message}; the configuration in force stays, and the next poll looks again");
            }

            return;
        }

        SayItIsBack();
        if (hash == _knownHash)
        {
            _trouble = null;
            return;
        }

        var outcome = await PutInForceAsync(
            Poll, () => GatewayConfigReader.Read(_path, environment, inForce), null, stop);
        _knownHash = outcome is Outcome.Hindered ? _knownHash : hash;
    }

    /// <summary>
    /// The text in force under another name is nothing new. One that was refused is tried again under another: that is
    /// how whoever wrote it asks for it.
    /// </summary>
    private bool IsKnown(FetchedConfig fetched) => _known is { } known && fetched.HasTextOf(known)
        && (_knownIsInForce || string.Equals(fetched.ETag, known.ETag, StringComparison.Ordinal));

    private async Task<bool> JudgeAsync(string cause, FetchedConfig fetched, CancellationToken cancellation)
    {
        var outcome = await PutInForceAsync(
            cause, () => fetched.Read(environment, inForce), fetched.Version, cancellation);
        if (outcome is not Outcome.Hindered)
        {
            (_known, _knownIsInForce) = (fetched, outcome is Outcome.InForce);
            _trouble = null;
        }

        return outcome is Outcome.InForce;
    }

    /// <param name="version">What is put in force, for the log; null for a file.</param>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "The configuration in force must survive whatever the new one meets.")]
    private async Task<Outcome> PutInForceAsync(
        string cause, Func<ConfigReadResult> read, string? version, CancellationToken cancellation)
    {
        GatewayConfig config;
        ConfigReadResult result;
        try
        {
            result = read();
            if (result.Config is null)
            {
                return Refuse(cause, result.Errors, version);
            }

            config = result.Config;
            await app.ReloadAsync(config, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (OperatorException e)
        {
            return Hinder(cause, e.Message, version);
        }
        catch (Exception e)
        {
            return Hinder(cause, $"{e.GetType().Name}: {e.Message}", version);
        }

        _knownHash = config.Sha256;
        log.Info(
            $"{cause}: {config.Path}{Named(version)} is in force; requests that had begun end with the configuration "
                + "they began with");
        foreach (var path in result.NeedRestart)
        {
            log.Warn(
                $"{cause}: {path} was changed but cannot change in a running gateway; restart it to use the new value");
        }

        Report(cause, config);
        app.Reloaded(isInForce: true);
        return Outcome.InForce;
    }

    /// <summary>The configuration is in force already: what goes wrong here is no reason to say otherwise.</summary>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "A report never ends reloading.")]
    private void Report(string cause, GatewayConfig config)
    {
        try
        {
            BootReport.Write(config, environment, clock, log);
        }
        catch (Exception e)
        {
            log.Error($"{cause}: the report on {config.Path} failed: {e.GetType().Name}: {e.Message}");
        }
    }

    private Outcome Refuse(string cause, IReadOnlyList<string> problems, string? version = null)
    {
        app.Reloaded(isInForce: false);
        foreach (var problem in problems)
        {
            log.Error($"{cause}: {problem}");
        }

        log.Error(
            $"{cause}: {_path}{Named(version)} was not put in force; the configuration that was in force stays");
        return Outcome.Refused;
    }

    /// <summary>A poll meets the same hindrance again and again; a signal is answered each time.</summary>
    private Outcome Hinder(string cause, string problem, string? version)
    {
        if (cause is HangUp || IsNews($"{version}: {problem}"))
        {
            Refuse(cause, [problem], version);
        }
        else
        {
            log.Debug($"{cause}: {problem}");
        }

        return Outcome.Hindered;
    }

    private bool IsNews(string trouble)
    {
        var isNews = !string.Equals(_trouble, trouble, StringComparison.Ordinal);
        _trouble = trouble;
        return isNews;
    }

    private void SayItIsBack()
    {
        if (_trouble is not null && _trouble.StartsWith(FetchTrouble, StringComparison.Ordinal))
        {
            log.Info($"config: {_path} can be fetched again");
            _trouble = null;
        }
    }

    private static string Named(string? version) => version is null ? "" : $" ({version})";

    private enum Outcome
    {
        InForce,

        /// <summary>For what it says.</summary>
        Refused,

        /// <summary>By something else, which may pass.</summary>
        Hindered,
    }
}
