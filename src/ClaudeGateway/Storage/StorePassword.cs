using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Config.Yaml;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>Asks a cloud for what it takes as the password of this user of this server.</summary>
internal delegate ValueTask<string> StoreToken(
    PostgresTarget.Server server, string user, CancellationToken cancellation);

/// <summary>
/// The password of each new connection, where it may be another one than at boot: a cloud's token, or what stands in a
/// file that is written anew when the password is changed. Connections that are open already stay open.
/// </summary>
internal sealed class StorePassword
{
    private readonly StoreConfig _config;
    private readonly StoreToken? _token;
    private readonly TimeProvider _clock;
    private int _waiting;

    /// <summary>Whether the last one that was asked for did not come in time.</summary>
    private volatile bool _isLate;

    private StorePassword(StoreConfig config, StoreToken? token, TimeProvider clock)
    {
        _config = config;
        _token = token;
        _clock = clock;
    }

    /// <param name="target">What the URL asked for at boot.</param>
    /// <param name="token">Asked with <c>store.auth</c>.</param>
    /// <returns>Null when the password is that of the configuration, or there is none.</returns>
    public static StorePassword? For(StoreConfig config, PostgresTarget target, StoreToken? token, TimeProvider clock)
    {
        if (config.Auth is not null)
        {
            return new StorePassword(
                config, token ?? throw new InvalidOperationException("store.auth needs a source of tokens"), clock);
        }

        var isInFile = config.PasswordFile is not null
            || (config.UrlFile is not null && config.Password is null && target.Settings.Password is not null);
        return isInFile ? new StorePassword(config, null, clock) : null;
    }

    /// <summary>Where a password comes from, for an operator.</summary>
    public string Origin => _config.Auth is { } auth
        ? $"with a token of {Name(auth)} (store.auth)"
        : $"with the password in {File}, read for each connection";

    /// <summary>What a new connection is waiting for at this moment, or null.</summary>
    public string? Waiting => _isLate || Volatile.Read(ref _waiting) > 0 ? Late : null;

    private string File => (_config.PasswordFile ?? _config.UrlFile)!;

    private string Key => _config.Auth is not null ? "store.auth"
        : _config.PasswordFile is not null ? "store.password"
        : "store.postgres_url";

    private string Late => _config.Auth is { } auth
        ? $"{Key}: {Name(auth)} has not given a token yet"
        : $"{Key}: {File} has not been read yet";

    /// <exception cref="StorePasswordException">There is none, or none within the time a connection may
    /// take.</exception>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types",
        Justification = "Whatever a source of credentials throws means: no password.")]
    public async ValueTask<string> GetAsync(NpgsqlConnectionStringBuilder settings, CancellationToken cancellation)
    {
        // A little less than Npgsql waits for all of a new connection: its own word would not say for what.
        var patience = settings.Timeout == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(0.9 * settings.Timeout);
        using var time = new CancellationTokenSource(patience, _clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, time.Token);
        Interlocked.Increment(ref _waiting);
        try
        {
            // Not every source heeds the limit.
            var password = await AskAsync(settings, limit.Token).AsTask().WaitAsync(limit.Token);
            _isLate = false;
            return password;
        }
        catch (OperationCanceledException e)
        {
            _isLate = true;
            throw new StorePasswordException(Late, e);
        }
        catch (Exception e)
        {
            _isLate = false;
            throw new StorePasswordException($"{Key}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private static string Name(StoreAuth auth) => auth switch
    {
        StoreAuth.AwsIam => "aws_iam",
        StoreAuth.GoogleIam => "google_iam",
        _ => "entra",
    };

    private async ValueTask<string> AskAsync(NpgsqlConnectionStringBuilder settings, CancellationToken cancellation)
    {
        if (_token is not null)
        {
            return await _token(
                new PostgresTarget.Server(settings.Host!, settings.Port), settings.Username ?? "", cancellation);
        }

        // A network's file system may let its reader wait.
        var text = await Task.Run(() => Read(File), CancellationToken.None);
        return _config.PasswordFile is not null
            ? text
            : PostgresUrl.Parse(_config with { PostgresUrl = new Secret(text) }).Settings.Password
                ?? throw new IOException($"{File} holds a URL without a password");
    }

    private static string Read(string file) => ReferencedFile.Read(file) switch
    {
        null => throw new IOException($"{file} is larger than 1 MiB"),
        // Also for the moment in which it is written anew.
        { Text.Length: 0 } => throw new IOException($"{file} is empty"),
        { } read => read.Text,
    };
}

/// <summary>A new connection has no password to be opened with.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors",
    Justification = "Without saying why it would mean nothing.")]
internal sealed class StorePasswordException(string message, Exception cause) : Exception(message, cause);
