using System.Text.RegularExpressions;
using ClaudeGateway.Config;
using ClaudeGateway.Config.Postgres;
using ClaudeGateway.Credentials.Aws;
using ClaudeGateway.Credentials.Azure;
using ClaudeGateway.Credentials.Google;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials;

/// <summary>
/// What <c>store.auth</c> takes as the database's password: a token of the cloud that runs it. Nothing of a cloud's
/// library is loaded before the first.
/// </summary>
internal sealed partial class DatabaseTokens
{
    /// <summary>https://cloud.google.com/sql/docs/postgres/iam-logins, the narrowest that signs in.</summary>
    private const string GoogleScope = "https://www.googleapis.com/auth/sqlservice.login";

    /// <summary>Of all of Azure's open-source databases.</summary>
    private const string EntraScope = "https://ossrdbms-aad.database.windows.net/.default";

    private readonly Func<PostgresTarget.Server, string, CancellationToken, ValueTask<string>> _source;

    /// <param name="auth">Which cloud.</param>
    /// <param name="awsRegion">Null takes it from the server's name, or the environment.</param>
    public DatabaseTokens(
        StoreAuth auth, string? awsRegion, ProcessEnvironment environment, CredentialHttp http, TimeProvider clock)
    {
        switch (auth)
        {
            case StoreAuth.GoogleIam:
                var google = new GoogleTokens(null, environment, http, clock, GoogleScope);
                _source = (_, _, cancellation) => google.GetAsync(cancellation);
                break;
            case StoreAuth.Entra:
                var entra = new EntraTokens(environment, http, clock, EntraScope);
                _source = (_, _, cancellation) => entra.GetAsync(cancellation);
                break;
            default:
                var aws = new CredentialCache<AwsCredentials>(
                    new AwsCredentialChain(environment, http).ResolveAsync, clock);
                _source = async (server, user, cancellation) => RdsAuthToken.Create(
                    server,
                    user,
                    awsRegion ?? RegionOf(server, environment),
                    await aws.GetAsync(cancellation),
                    clock.GetUtcNow());
                break;
        }
    }

    /// <summary>Null when the store has a password.</summary>
    public static DatabaseTokens? For(
        StoreConfig store, ProcessEnvironment environment, OutboundHttp outbound, TimeProvider clock) =>
        store.Auth is { } auth
            ? new DatabaseTokens(auth, store.AwsRegion, environment, new CredentialHttp(outbound, clock), clock)
            : null;

    /// <summary>A token that a new connection can be opened with.</summary>
    /// <exception cref="UpstreamUnavailableException">There is none.</exception>
    public ValueTask<string> GetAsync(PostgresTarget.Server server, string user, CancellationToken cancellation) =>
        _source(server, user, cancellation);

    private static string RegionOf(PostgresTarget.Server server, ProcessEnvironment environment) =>
        RdsHost().Match(server.Name) is { Success: true } host ? host.Groups["region"].Value
        : environment["AWS_REGION"] is { Length: > 0 } region ? region
        : environment["AWS_DEFAULT_REGION"] is { Length: > 0 } other ? other
        : throw new UpstreamUnavailableException(
            $"the name {server.Name} says no AWS region: set store.aws_region, or AWS_REGION");

    [GeneratedRegex(
        @"\.((?<region>[a-z]{2}(-[a-z]+)+-\d+)\.rds|rds\.(?<region>cn-[a-z]+-\d+))\.amazonaws\.com(\.cn)?\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex RdsHost();
}
