using System.Buffers.Text;
using System.Security.Cryptography;
using ClaudeGateway.Config;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Sessions;

/// <summary>
/// The session secret of a gateway that was given none: made once, by whichever replica comes first, and kept in the
/// store for all of them and for every later start.
/// </summary>
internal sealed class KeptSecret(Database database, TimeProvider clock)
{
    /// <summary>The table, for those who are told where the secret is.</summary>
    public const string Table = "gw_session_secret";

    private const int Bytes = 32;

    /// <summary>As <c>session.jwt_secret</c> asks of a secret that somebody brings.</summary>
    private const int MinLength = 32;

    /// <exception cref="OperatorException">What is kept is no secret that may sign.</exception>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    public async Task<Secret> GetAsync()
    {
        // Looks first: a store that can be read and not written is enough for all but the first start.
        var kept = await FindAsync();
        if (kept is null)
        {
            // Replicas that start together each offer one; the first stays, and all read that.
            await database.ExecuteAsync(
                $"INSERT INTO {Table} (id, secret, made_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
                Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes)),
                clock.GetUtcNow().ToUnixTimeMilliseconds());
            kept = await FindAsync() ?? throw new OperatorException(
                $"the session secret that was just written to {Table} is not there: does something else empty the table?");
        }

        return kept.Length >= MinLength
            ? new Secret(kept)
            : throw new OperatorException(
                $"the session secret kept in {Table} has {kept.Length} characters and needs {MinLength}: it was changed "
                    + "by hand. Delete the row (a new one is made, and everybody signs in again) or set "
                    + "GATEWAY_JWT_SECRET");
    }

    private Task<string?> FindAsync() =>
        database.FirstAsync($"SELECT secret FROM {Table} WHERE id = 1", static row => row.GetString(0));
}
