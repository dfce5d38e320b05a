using ClaudeGateway.Config.Postgres;

namespace ClaudeGateway.Credentials.Aws;

/// <summary>
/// What Amazon RDS and Aurora take as a password from a user with the role <c>rds_iam</c>: the URL of an action
/// "connect", signed for a quarter of an hour, without its scheme
/// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html). The server checks it when a
/// connection is opened, so each gets one of its own.
/// </summary>
internal static class RdsAuthToken
{
    private const string Lifetime = "900";

    public static string Create(
        PostgresTarget.Server server, string user, string region, AwsCredentials credentials, DateTimeOffset now)
    {
        var signer = new SigV4Signer(region, "rds-db");
        var time = SigV4Signer.Timestamp(now);
        SortedDictionary<string, string> parameters = new(StringComparer.Ordinal)
        {
            ["Action"] = "connect",
            ["DBUser"] = user,
            ["X-Amz-Algorithm"] = SigV4Signer.Algorithm,
            ["X-Amz-Credential"] = $"{credentials.AccessKeyId}/{signer.Scope(time)}",
            ["X-Amz-Date"] = time,
            ["X-Amz-Expires"] = Lifetime,
            ["X-Amz-SignedHeaders"] = "host",
        };
        if (credentials.SessionToken is { } token)
        {
            parameters["X-Amz-Security-Token"] = token;
        }

        var query = string.Join('&', parameters.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value)}"));
        SortedDictionary<string, string> headers = new(StringComparer.Ordinal) { ["host"] = server.ToString() };
        var signature = signer.Signature("GET", "/", query, headers, SigV4Signer.HexHash([]), time, credentials);
        return $"{server}/?{query}&X-Amz-Signature={signature}";
    }
}
