using ClaudeGateway.Storage;
using Npgsql;

namespace ClaudeGateway.Tests.Storage;

public sealed class StoreErrorsTests
{
    /// <summary>PgBouncer to 1.19 knows no options; later ones look into them.</summary>
    [Theory]
    [InlineData("08P01", "unsupported startup parameter: options", "options")]
    [InlineData("08P01", "unsupported startup parameter in options: statement_timeout", "options")]
    [InlineData("08P01", "unsupported startup parameter: search_path", "search_path")]
    [InlineData("08P01", "no more connections allowed (max_client_conn)", null)]
    [InlineData("42704", "unsupported startup parameter: options", null)]
    public void What_a_pooler_does_not_pass_on_is_known_by_its_words(string state, string words, string? expected) =>
        Assert.Equal(expected, StoreErrors.RefusedByPooler(new PostgresException(words, "FATAL", "FATAL", state)));
}
