using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Config;

public sealed class ReferenceExpansionTests
{
    private static readonly (string, string)[] Variables =
        [
            ("A", "va"),
            ("1A", "digit"),
            ("lower", "l"),
            ("NESTED", "${A}"),
            ("QUOTED", "a\"b: [c"),
            ("EMPTY", ""),
            ("FILE", "${file:/etc/hostname}")];

    [Theory]
    [InlineData("x ${A} y ${A}", "x va y va")]
    [InlineData("${lower}${1A}", "ldigit")]
    [InlineData("${NESTED}", "${A}")]
    [InlineData("${FILE}", "${file:/etc/hostname}")]
    [InlineData("${QUOTED}", "a\"b: [c")]
    [InlineData("$${A}", "$va")]
    [InlineData("$A ${} ${ A } ${A-B} ${A:-x} ${A.B} {x}", "$A ${} ${ A } ${A-B} ${A:-x} ${A.B} {x}")]
    [InlineData("a ${file:/etc/hostname} b", "a ${file:/etc/hostname} b")]
    [InlineData("a${EMPTY}", "a")]
    public void A_value_is_expanded_once(string written, string expanded) =>
        Assert.Equal(expanded, Yaml.ReadValid(Yaml.With($$"""{"login_notice":"{{written}}"}"""),
            Variables).LoginNotice);

    [Fact]
    public void Keys_and_comments_are_not_expanded()
    {
        var result = Yaml.Read(
            $"# ${{NOPE}}\n{Yaml.Minimal}\nmodels: [{{ id: a, upstream_model: {{ \"${{NOPE}}\": x }} }}]\n");
        Assert.Contains("references unknown upstream '${NOPE}'", Assert.Single(result.Errors),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Every_undefined_variable_is_named_with_its_place()
    {
        var result = Yaml.Read(Yaml.Minimal.Replace("very-secret", "${NOPE_A}${NOPE_B}", StringComparison.Ordinal));
        Assert.Equal(
            [
                "gateway.yaml:6:18 oidc.client_secret: environment variable NOPE_A is not set",
                "gateway.yaml:6:18 oidc.client_secret: environment variable NOPE_B is not set",
            ],
            result.Errors);
    }

    [Fact]
    public void A_variable_gives_a_number() =>
        Assert.Equal(
            3, Yaml.ReadValid(Yaml.With("""{"store":{"max_connections":"${N}"}}"""), ("N", "3")).Store.MaxConnections);

    [Fact]
    public void A_variable_that_is_set_but_empty_is_an_empty_value() =>
        Assert.Contains(
            "client_secret: must not be empty",
            Assert.Single(Yaml.Read(Yaml.With("""{"oidc":{"client_secret":"${EMPTY}"}}"""), Variables).Errors),
            StringComparison.Ordinal);

    [Fact]
    public void A_files_content_is_trimmed_and_not_expanded_again()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "\n  ${A} from file \n\n");
            Assert.Equal(
                "${A} from file",
                Yaml.ReadValid(Yaml.With($$$"""{"login_notice":"${file:{{{file}}}}"}"""), Variables).LoginNotice);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Where_the_password_of_the_store_can_be_read_again_is_known_when_a_whole_value_is_a_file()
    {
        using var folder = new TemporaryFolder();
        var (url, password) = (folder.File("url"), folder.File("password"));
        File.WriteAllText(url, "postgres://u:p@h/d\n");
        File.WriteAllText(password, "other\n");
        var store = Yaml.ReadValid(
            Yaml.With($$$"""{"store":{"postgres_url":"${file:{{{url}}}}","password":"${file:{{{password}}}}"}}""")).Store;

        Assert.Equal((url, password, "other"), (store.UrlFile, store.PasswordFile, store.Password!.Reveal()));
        Assert.Equal(
            (null, null),
            (Yaml.ReadValid(Yaml.Minimal).Store.UrlFile, Yaml.ReadValid(Yaml.Minimal).Store.PasswordFile));
    }

    [Theory]
    [InlineData("${file:relative}", "must be absolute")]
    [InlineData("${file:/nonexistent/x}", "/nonexistent/x does not exist")]
    [InlineData("${file:/tmp}", "/tmp is a directory")]
    [InlineData("${file:/dev/zero}", "larger than")]
    [InlineData("${file:${A}}", "must be absolute")]
    public void A_file_that_cannot_be_used_is_named(string written, string reason) =>
        Assert.Contains(
            reason,
            Assert.Single(Yaml.Read(Yaml.With($$"""{"login_notice":"{{written}}"}"""), Variables).Errors),
            StringComparison.Ordinal);
}
