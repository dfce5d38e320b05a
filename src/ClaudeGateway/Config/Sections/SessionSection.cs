using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>session</c>.</summary>
internal static class SessionSection
{
    private const double MaxHours = 87_600;
    private const double LongHours = 24 * 7;

    private static readonly Key<IReadOnlyList<Secret>> JwtSecret = new(
        "jwt_secret",
        OneOrMany(SecretText(32)),
        "Signs the gateway's own tokens (HS256). Of several the first signs and all verify, so that a secret can be "
            + "replaced without signing anybody out.")
    {
        IsRequired = true,
        Example = "${GATEWAY_JWT_SECRET}",
    };

    private static readonly Key<double> TtlHours = new(
        "ttl_hours", Number(0, MaxHours), "Hours for which a bearer is valid; the client renews it by itself.")
    {
        Default = "1",
        Example = "8",
    };

    public static readonly Shape<SessionConfig> Shape = Object([JwtSecret, TtlHours], Build, Check);

    private static void Check(Fields fields)
    {
        if (fields.Get(TtlHours) > LongHours)
        {
            fields.Warn(TtlHours, "is longer than a week: somebody who leaves keeps access until the bearer expires");
        }
    }

    private static SessionConfig Build(Fields fields) => new()
    {
        JwtSecrets = fields.Get(JwtSecret) ?? [],
        Ttl = TimeSpan.FromHours(fields.Get(TtlHours)),
        TtlHours = fields.Get(TtlHours),
    };
}
