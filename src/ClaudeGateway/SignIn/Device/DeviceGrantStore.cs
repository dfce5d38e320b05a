using System.Data.Common;
using System.Net;
using System.Security.Cryptography;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn.Device;

/// <summary>Who asked for a device code, for the confirm page and the audit.</summary>
/// <param name="Surface">The client application, when it says (an extension of the reference's protocol).</param>
internal sealed record DeviceRequest(string Address, DateTimeOffset At, string? UserAgent, string? Surface);

/// <summary>What a poll finds: a closed set.</summary>
internal abstract record PollResult
{
    /// <summary>Unknown, used up or expired.</summary>
    internal sealed record Unknown : PollResult;

    internal sealed record Pending : PollResult;

    /// <summary>Pending, and asked again before the interval was over.</summary>
    internal sealed record TooSoon : PollResult;

    internal sealed record Denied : PollResult;

    /// <summary>The grant is used up with this answer.</summary>
    internal sealed record Approved(byte[] SealedIdentity, DateTimeOffset At) : PollResult;
}

/// <summary>A browser's sign-in on its way through the IdP.</summary>
/// <param name="BrowserHash">Hash of the cookie that the browser must bring back.</param>
internal sealed record SignInAttempt(byte[] DeviceCodeHash, byte[] BrowserHash);

/// <summary>
/// Device grants in the store, shared by all replicas: pending → approved or denied → consumed. Each step is one
/// statement that checks and changes at once, so of two racing replicas exactly one wins; none is repeated, and none
/// takes effect after its caller was told that the store is away.
/// </summary>
internal sealed class DeviceGrantStore(Database database, TimeProvider clock)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>What a device is told; <see cref="MinInterval"/> is what it is held to, as networks jitter.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(3.5);

    /// <summary>After this a claim counts as lost with its process, and the browser may reload.</summary>
    private static readonly TimeSpan ClaimLifetime = TimeSpan.FromMinutes(1);

    private const int MaxCollisions = 5;

    /// <summary>
    /// Devices whose last poll may have used up their grant without an answer; more at a time are not remembered.
    /// </summary>
    private const int MaxUnanswered = 1000;

    /// <summary>
    /// By the hash of the device code: how that poll marked the grant, and when. Protected by itself.
    /// </summary>
    private readonly Dictionary<string, (long Mark, long At)> _unanswered = new(StringComparer.Ordinal);

    public async Task<DeviceGrant> CreateAsync(IPAddress address, string? userAgent, string? surface)
    {
        for (var i = 0; i < MaxCollisions; i++)
        {
            var grant = DeviceCodes.Create();
            var now = Now();
            var inserted = await database.ExecuteOnceAsync(
                """
                INSERT INTO gw_device_grant (device_code_hash, user_code_hash, status, requested_from, requested_at,
                  user_agent, surface, expires_at)
                VALUES ($1, $2, 'pending', $3, $4, $5, $6, $7)
                ON CONFLICT DO NOTHING
                """,
                DeviceCodes.Hash(grant.DeviceCode),
                DeviceCodes.Hash(grant.UserCode),
                address.ToString(),
                now,
                userAgent,
                surface,
                now + Milliseconds(Lifetime));
            if (inserted == 1)
            {
                return grant;
            }
        }

        throw new InvalidOperationException("no free user code was found: the random generator repeats itself");
    }

    /// <summary>Who asked for a pending grant; null when the code is unknown, used or expired.</summary>
    public Task<DeviceRequest?> FindRequestAsync(string userCode) => database.FirstAsync(
        "SELECT requested_from, requested_at, user_agent, surface FROM gw_device_grant WHERE user_code_hash = $1 AND "
            + "status = 'pending' AND expires_at > $2",
        ReadRequest,
        DeviceCodes.Hash(userCode),
        Now());

    /// <summary>
    /// Starts a browser's sign-in for a pending grant and gives the hash of its device code; null when the code is
    /// unknown, used or expired. The same code may start several.
    /// </summary>
    public async Task<byte[]?> StartAttemptAsync(string userCode, string state, string browserSecret)
    {
        var now = Now();
        return await database.FirstOnceAsync(
            """
            INSERT INTO gw_sign_in_attempt (state_hash, device_code_hash, browser_hash, expires_at)
            SELECT $1, device_code_hash, $2, expires_at FROM gw_device_grant
            WHERE user_code_hash = $3 AND status = 'pending' AND expires_at > $4
            RETURNING device_code_hash
            """,
            row => row.GetFieldValue<byte[]>(0),
            DeviceCodes.Hash(state),
            DeviceCodes.Hash(browserSecret),
            DeviceCodes.Hash(userCode),
            now);
    }

    public Task<SignInAttempt?> FindAttemptAsync(string state) => database.FirstAsync(
        "SELECT device_code_hash, browser_hash FROM gw_sign_in_attempt WHERE state_hash = $1 AND expires_at > $2",
        row => new SignInAttempt(row.GetFieldValue<byte[]>(0), row.GetFieldValue<byte[]>(1)),
        DeviceCodes.Hash(state),
        Now());

    /// <summary>
    /// Takes the attempt for one code exchange, so that a reloaded callback does not redeem the code twice; false when
    /// it is taken or its grant no longer waits.
    /// </summary>
    public async Task<bool> ClaimAttemptAsync(string state)
    {
        var now = Now();
        return await database.ExecuteOnceAsync(
            """
            UPDATE gw_sign_in_attempt SET claimed_at = $2
            WHERE state_hash = $1 AND expires_at > $2 AND (claimed_at IS NULL OR claimed_at < $3)
            AND EXISTS (SELECT 1 FROM gw_device_grant WHERE gw_device_grant.device_code_hash =
              gw_sign_in_attempt.device_code_hash AND status = 'pending')
            """,
            DeviceCodes.Hash(state),
            now,
            now - Milliseconds(ClaimLifetime)) == 1;
    }

    /// <summary>Gives the attempt back after an exchange that told nothing: reloading the page tries again.</summary>
    public Task ReleaseAttemptAsync(string state) =>
        database.ExecuteOnceAsync(
            "UPDATE gw_sign_in_attempt SET claimed_at = NULL WHERE state_hash = $1", DeviceCodes.Hash(state));

    /// <summary>
    /// The request that was approved, or null when the grant was denied, approved or expired meanwhile.
    /// </summary>
    public async Task<DeviceRequest?> ApproveAsync(byte[] deviceCodeHash, byte[] sealedIdentity)
    {
        try
        {
            return await database.FirstOnceAsync(
                """
                UPDATE gw_device_grant SET status = 'approved', sealed_identity = $2, approved_at = $3
                WHERE device_code_hash = $1 AND status = 'pending' AND expires_at > $3
                RETURNING requested_from, requested_at, user_agent, surface
                """,
                ReadRequest,
                deviceCodeHash,
                sealedIdentity,
                Now());
        }
        catch (StoreOutcomeUnknownException)
        {
            // A sealed identity is like no other: where it stands, this approval holds.
            if (await database.FirstAsync(
                """
                SELECT requested_from, requested_at, user_agent, surface FROM gw_device_grant
                WHERE device_code_hash = $1 AND sealed_identity = $2
                """,
                ReadRequest,
                deviceCodeHash,
                sealedIdentity) is { } approved)
            {
                return approved;
            }

            throw;
        }
    }

    public Task DenyAsync(byte[] deviceCodeHash) =>
        database.ExecuteOnceAsync(
            "UPDATE gw_device_grant SET status = 'denied' WHERE device_code_hash = $1 AND status = 'pending'",
            deviceCodeHash);

    /// <summary>Denies by the code a person holds; null when it is unknown, used or expired.</summary>
    public Task<DeviceRequest?> DenyAsync(string userCode) => database.FirstOnceAsync(
        """
        UPDATE gw_device_grant SET status = 'denied'
        WHERE user_code_hash = $1 AND status = 'pending' AND expires_at > $2
        RETURNING requested_from, requested_at, user_agent, surface
        """,
        ReadRequest,
        DeviceCodes.Hash(userCode),
        Now());

    /// <summary>
    /// One poll of the device. Approved and denied grants are consumed by the same statement that reads them; a pending
    /// one notes the poll unless it came too soon, so impatient polls do not push the next good one away. When the
    /// store goes away before it says whether the grant was consumed, the device's next poll here is the same poll
    /// again.
    /// </summary>
    public async Task<PollResult> ConsumeAsync(string deviceCode)
    {
        var hash = DeviceCodes.Hash(deviceCode);
        var key = Convert.ToHexString(hash);
        var unanswered = TakeUnanswered(key);
        var mark = unanswered ?? NewMark();
        var now = Now();
        try
        {
            try
            {
                return await ConsumeAsync(hash, mark, now);
            }
            catch (StoreOutcomeUnknownException)
            {
                // With the same mark and time it is the same poll, whether the first try took effect or not.
                unanswered = mark;
                return await ConsumeAsync(hash, mark, now);
            }
        }
        catch (StoreUnavailableException) when (unanswered is not null)
        {
            KeepUnanswered(key, mark);
            throw;
        }
    }

    /// <param name="mark">Stands in a consumed grant instead of the time of a poll, and tells whose poll consumed
    /// it.</param>
    private async Task<PollResult> ConsumeAsync(byte[] deviceCodeHash, long mark, long now) =>
        await database.FirstOnceAsync<PollResult>(
            """
            UPDATE gw_device_grant SET
                polled_at = CASE
                    WHEN status = 'pending' AND (polled_at IS NULL OR polled_at <= $3) THEN $2
                    WHEN status = 'pending' THEN polled_at
                    ELSE $4 END,
                status = CASE WHEN status = 'pending' THEN status ELSE 'consumed' END
            WHERE device_code_hash = $1 AND expires_at > $2 AND (status <> 'consumed' OR polled_at = $4)
            RETURNING status, polled_at, sealed_identity, approved_at
            """,
            row =>
                row.GetString(0) == "pending"
                ? (row.GetInt64(1) == now ? new PollResult.Pending() : new PollResult.TooSoon())
                : row.IsDBNull(2) ? new PollResult.Denied()
                : new PollResult.Approved(
                    row.GetFieldValue<byte[]>(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3))),
            deviceCodeHash,
            now,
            now - Milliseconds(MinInterval),
            mark) ?? new PollResult.Unknown();

    /// <summary>Below zero, so that it is no time; 63 random bits, so that it is nobody else's.</summary>
    private static long NewMark() => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | long.MinValue;

    /// <summary>Taken, so that of two polls at once only one is the repeated one.</summary>
    private long? TakeUnanswered(string key)
    {
        lock (_unanswered)
        {
            return _unanswered.Remove(key, out var unanswered) ? unanswered.Mark : null;
        }
    }

    private void KeepUnanswered(string key, long mark)
    {
        lock (_unanswered)
        {
            var now = Now();
            foreach (var (other, unanswered) in _unanswered)
            {
                if (unanswered.At <= now - Milliseconds(Lifetime))
                {
                    _unanswered.Remove(other);
                }
            }

            if (_unanswered.Count < MaxUnanswered)
            {
                _unanswered[key] = (mark, now);
            }
        }
    }

    private static DeviceRequest ReadRequest(DbDataReader row) => new(
        row.GetString(0),
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)),
        row.IsDBNull(2) ? null : row.GetString(2),
        row.IsDBNull(3) ? null : row.GetString(3));

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
