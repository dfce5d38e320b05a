using System.Security.Cryptography;
using System.Text;
using ClaudeGateway.Composition;

namespace ClaudeGateway.Tests.Composition;

public sealed class StoreTablesTests
{
    /// <summary>
    /// A line is added for a new migration; none is ever changed: databases out there have run it as it was.
    /// </summary>
    [Fact]
    public void Released_migrations_are_what_they_were()
    {
        string[] released =
        [
            "1 sign-in d4f582ec5b110cf2aa368bfd01f915c8452ff8a53b726d5fe6e628d71347e74a",
            "20 spend 20be936ff2e891f2fcdc20ccb4521aaddd3e54cf2f37615fb6a3e7c085a90452",
            "30 machines c3073b429f890df3fee6a072e8ded3c2832c08e14441d97eb953b4d4cdc69711",
            "40 refresh 2870d2070af0f1e3329f76b23c25c087e67ea612009f101026b25ce48a410d5e",
            "50 session secret 586e84bb8704452c5e83f8b39f834ae8e4a3f179bf61820d7309cfefa8b56a5d",
            "60 audit reason 855098282ba071030c2e2fb999ece0691adff442305ca0f4fbf589676d2ccfb1",
            "61 import 48ceefec2f2a7c6751f72f8e8a4eb71b2f32272087444075e492391432311132",
        ];
        Assert.Equal(released, StoreTables.Migrations.Select(m => $"{m.Id} {m.Name} {Hash(m.Sql)}"));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
