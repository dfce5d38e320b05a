using System.Text;
using ClaudeGateway.Config;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Config;

/// <summary>Whatever stands in the file, reading ends with a configuration or with problems.</summary>
public sealed class RobustnessTests
{
    private static readonly string[] Pieces =
    [
        "a", ":", ": ", "- ", "\n", "\n  ", "[", "]", "{", "}", ",", "\"", "'", "&x ", "*x",
        "<<: ", "|\n", ">", "#", "%", "!!str ", "---\n", "...\n", "?", "\t", "${A}", "${file:/}", "\0", "\\u",
        "listen", "oidc", "upstreams", "managed", "policies", "cli", "null", "true", "5", "~", "\r\n", "é",
        "\uD83D\uDE00",
    ];

    [Fact]
    public void Any_bytes() => Prop.ForAll<byte[]>(Survives).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_mix_of_what_YAML_is_made_of() =>
        Prop.ForAll(
            Gen.Elements(Pieces).ListOf().ToArbitrary(),
            pieces =>
                Survives(Encoding.UTF8.GetBytes(string.Concat(pieces))))
                .Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void A_valid_file_with_any_byte_changed()
    {
        var valid = Encoding.UTF8.GetBytes(Yaml.Minimal);
        Prop.ForAll<int, byte>((at, value) =>
        {
            var changed = (byte[])valid.Clone();
            changed[(at & int.MaxValue) % changed.Length] = value;
            return Survives(changed);
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    private static bool Survives(byte[] bytes)
    {
        var result = GatewayConfigReader.Read("gateway.yaml", bytes, Yaml.Environment(("A", "x")));
        return result.Config is null == result.Errors.Count > 0
            && result.Errors.All(error => !error.Contains('\n', StringComparison.Ordinal));
    }
}
