using ClaudeGateway.Config;

namespace ClaudeGateway.Testing;

/// <summary>A small valid configuration; a test changes what it is about with <c>with</c>.</summary>
internal static class TestConfig
{
    public const string JwtSecret = "test-secret-0123456789-0123456789-0123456789";
    public const string UpstreamKey = "sk-upstream";

    /// <summary>The embedded stores of all tests: one folder, however many configurations are made.</summary>
    private static readonly Lazy<TemporaryFolder> Stores = new(() => new TemporaryFolder());

    /// <param name="postgresUrl">Null keeps everything in a new embedded store.</param>
    public static GatewayConfig Create(
        FakeIdentityProvider idp, IReadOnlyList<FakeUpstream> upstreams, string? postgresUrl = null) => new()
        {
            Path = "gateway.yaml",
            Sha256 = new string('0', 64),
            Listen = new ListenConfig { Host = "127.0.0.1", Port = 0 },
            Oidc = new OidcConfig
            {
                Issuer = new Uri(idp.Issuer),
                IssuerText = idp.Issuer,
                ClientId = FakeIdentityProvider.ClientId,
                ClientSecret = new Secret(FakeIdentityProvider.ClientSecret),
            },
            Session = new SessionConfig { JwtSecrets = [new Secret(JwtSecret)] },
            Store = postgresUrl is null
            ? new StoreConfig { SqlitePath = Stores.Value.File($"{Guid.NewGuid():N}.db") }
            : new StoreConfig { PostgresUrl = new Secret(postgresUrl) },
            Upstreams = [.. upstreams.Select((u, i) => Anthropic(u, upstreams.Count == 1 ? "anthropic" : $"up{i}"))],
        };

    /// <summary>Removes the embedded store that <see cref="Create"/> gave a gateway, once it has stopped.</summary>
    public static void RemoveStore(GatewayConfig config)
    {
        if (config.Store.SqlitePath is { } path
            && Stores.IsValueCreated
            && Path.GetDirectoryName(path) == Stores.Value.Path)
        {
            foreach (var file in Directory.EnumerateFiles(Stores.Value.Path, Path.GetFileName(path) + "*"))
            {
                File.Delete(file);
            }
        }
    }

    public static AnthropicUpstreamConfig Anthropic(FakeUpstream upstream, string name) => new()
    {
        Name = name,
        BaseUrl = upstream.Url,
        Auth = new AnthropicAuth.ApiKey(new Secret(UpstreamKey)),
    };
}
