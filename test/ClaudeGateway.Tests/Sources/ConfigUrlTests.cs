using ClaudeGateway.Process;
using ClaudeGateway.Sources;

namespace ClaudeGateway.Tests.Sources;

public sealed class ConfigUrlTests
{
    [Theory]
    [InlineData("gateway.yaml", false)]
    [InlineData("/etc/gateway.yaml", false)]
    [InlineData("C:/gateway.yaml", false)]
    [InlineData("./https:/x", false)]
    [InlineData("https://example.com/gateway.yaml", true)]
    [InlineData("s3://b/k", true)]
    [InlineData("ftp://example.com/x", true)]
    public void What_has_a_scheme_is_a_URL(string config, bool isUrl) =>
        Assert.Equal(isUrl, ConfigUrl.IsUrl(config));

    [Theory]
    [InlineData("https://example.com/a/gateway.yaml", "Web", "https://example.com/a/gateway.yaml")]
    [InlineData("HTTPS://Example.com:8443/gateway.yaml", "Web", "https://example.com:8443/gateway.yaml")]
    [InlineData("http://127.0.0.1:9000/gateway.yaml", "Web", "http://127.0.0.1:9000/gateway.yaml")]
    [InlineData("http://[::1]:9000/gateway.yaml", "Web", "http://[::1]:9000/gateway.yaml")]
    [InlineData("https://b.s3.amazonaws.com/k?X-Amz-Signature=s3cr3t", "Web", "https://b.s3.amazonaws.com/k?…")]
    [InlineData("https://acct.blob.core.windows.net/c/b", "AzureBlob", "https://acct.blob.core.windows.net/c/b")]
    [InlineData(
        "https://acct.z12.blob.storage.azure.net/c/b", "AzureBlob", "https://acct.z12.blob.storage.azure.net/c/b")]
    [InlineData(
        "https://acct.blob.core.windows.net/c/b?sv=1&sig=s3cr3t", "Web", "https://acct.blob.core.windows.net/c/b?…")]
    [InlineData(
        "https://a.blob.core.windows.net/c/b?versionid=1", "AzureBlob", "https://a.blob.core.windows.net/c/b?…")]
    [InlineData(
        "https://a.blob.core.windows.net.example.com/c", "Web", "https://a.blob.core.windows.net.example.com/c")]
    [InlineData("s3://bucket/a/gateway.yaml", "S3", "s3://bucket/a/gateway.yaml")]
    [InlineData("s3://bucket/gateway.yaml?region=eu-west-1", "S3", "s3://bucket/gateway.yaml")]
    [InlineData("gs://bucket/a b.yaml", "GoogleStorage", "gs://bucket/a b.yaml")]
    public void Each_form_is_known_and_named_without_its_query(string url, string store, string name)
    {
        var read = ConfigUrl.Read(url);
        Assert.Equal((store, name), (read.Store.ToString(), read.Name));
        Assert.DoesNotContain("s3cr3t", read.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://example.com/gateway.yaml?t=s3cr3t", "is not encrypted")]
    [InlineData("http://169.254.169.254/x", "is not encrypted")]
    [InlineData("https://user:s3cr3t@example.com/x", "must not have a user or password")]
    [InlineData("https://", "cannot be read")]
    [InlineData("ftp://example.com/x", "ftp:// is not known")]
    [InlineData("file:///etc/x", "expected the path of a file")]
    [InlineData("s3://bucket", "expected s3://bucket/key")]
    [InlineData("s3://bucket/", "expected s3://bucket/key")]
    [InlineData("s3:///key", "expected s3://bucket/key")]
    [InlineData("s3://bu@cket/key", "expected s3://bucket/key")]
    [InlineData("s3://bucket/a/../key", "'.' or '..'")]
    [InlineData("s3://bucket/key?regoin=x", "region=REGION alone")]
    [InlineData("s3://bucket/key?region=evil.example.com", "region=REGION alone")]
    [InlineData("gs://bucket/key?x=s3cr3t", "has no query")]
    [InlineData("gs://bucket", "expected gs://bucket/key")]
    public void What_cannot_be_fetched_from_is_refused_and_no_secret_told(string url, string words)
    {
        var refusal = Assert.Throws<OperatorException>(() => ConfigUrl.Read(url));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("--config: ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", refusal.Message, StringComparison.Ordinal);
    }
}
