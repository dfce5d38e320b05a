using ClaudeGateway.Process;
using ClaudeGateway.Sources;
using ClaudeGateway.Tests.Upstreams;

namespace ClaudeGateway.Tests.Sources;

public sealed class ConfigTargetTests
{
    [Theory]
    [InlineData(
        "s3://my-bucket/a b/ü+.yaml?region=eu-west-1",
        "https://my-bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC%2B.yaml")]
    [InlineData("s3://my.bucket/k?region=us-east-1", "https://s3.us-east-1.amazonaws.com/my.bucket/k")]
    [InlineData("s3://bucket/k?region=cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn/k")]
    [InlineData("s3://bucket/k", "https://bucket.s3.eu-central-1.amazonaws.com/k", "AWS_REGION=eu-central-1")]
    [InlineData("s3://bucket/k", "https://bucket.s3.eu-north-1.amazonaws.com/k", "AWS_DEFAULT_REGION=eu-north-1")]
    [InlineData(
        "s3://bucket/k?region=r-1", "http://127.0.0.1:9000/bucket/k", "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000/")]
    [InlineData(
        "s3://bucket/k?region=r-1", "https://minio.example.com/bucket/k",
        "AWS_ENDPOINT_URL=https://minio.example.com")]
    [InlineData("gs://bucket/a/b c.yaml", "https://storage.googleapis.com/bucket/a/b%20c.yaml")]
    [InlineData("gs://bucket/k", "http://localhost:4443/bucket/k", "STORAGE_EMULATOR_HOST=localhost:4443")]
    [InlineData("gs://bucket/k", "https://fake.example.com/bucket/k", "STORAGE_EMULATOR_HOST=https://fake.example.com")]
    [InlineData("https://a.blob.core.windows.net/c/b?versionid=1", "https://a.blob.core.windows.net/c/b?versionid=1")]
    [InlineData("https://example.com/x?token=1", "https://example.com/x?token=1")]
    public void The_address_is_the_clouds_own_or_what_its_tools_are_told(
        string url, string address, params string[] variables)
    {
        using var calls = Calls(variables);
        Assert.Equal(address, Of(url, calls).Address.AbsoluteUri);
    }

    [Theory]
    [InlineData("s3://bucket/k", "append ?region=REGION, or set AWS_REGION")]
    [InlineData(
        "s3://bucket/k?region=r-1", "AWS_ENDPOINT_URL_S3: expected https://",
        "AWS_ENDPOINT_URL_S3=http://minio:9000")]
    [InlineData("s3://bucket/k?region=r-1", "AWS_ENDPOINT_URL_S3: expected https://", "AWS_ENDPOINT_URL_S3=minio")]
    [InlineData("gs://bucket/k", "STORAGE_EMULATOR_HOST: expected https://", "STORAGE_EMULATOR_HOST=gcs:4443")]
    public void What_the_environment_lacks_or_says_wrongly_is_named(
        string url, string words, params string[] variables)
    {
        using var calls = Calls(variables);
        var refusal = Assert.Throws<OperatorException>(() => Of(url, calls));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }

    private static CloudCalls Calls(string[] variables) =>
        new(variables.Select(variable => variable.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]));

    private static ConfigTarget Of(string url, CloudCalls calls) =>
        ConfigTarget.Of(ConfigUrl.Read(url), calls.Environment, calls.CredentialHttp, calls.Clock);
}
