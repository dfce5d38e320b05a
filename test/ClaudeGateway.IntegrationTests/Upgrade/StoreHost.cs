using System.Globalization;
using System.Net;
using System.Text.Json;
using ClaudeGateway.Config;
using ClaudeGateway.Testing;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>A gateway on a store that is given, and what is asked of it there.</summary>
internal static class StoreHost
{
    public const string AdminKey = "admin-key-0123456789-0123456789-0123456789";

    /// <summary>Cents of a message: 1,000 tokens in and 500 out of claude-sonnet-4-6.</summary>
    public const decimal MessageCost = 1.05m;

    private const string Limits = "/v1/organizations/spend_limits";

    public static Task<GatewayHost> StartAsync(
        StoreConfig store, FakeIdentityProvider idp, FakeUpstream upstream, TimeProvider? clock = null)
    {
        var config = TestConfig.Create(idp, [upstream]);
        return GatewayHost.StartAsync(
            config with
            {
                Store = store,
                Listen = config.Listen with { PublicUrl = RecordedState.PublicUrl },
                Admin = new AdminConfig { WriteKeys = [new AdminKey("test", new Secret(AdminKey))] },
            },
            clock);
    }

    public static async Task<HttpStatusCode> MessageAsync(this GatewayHost gateway, string bearer)
    {
        using var response = await gateway.SendMessageAsync(bearer);
        await response.Content.ReadAsByteArrayAsync();
        return response.StatusCode;
    }

    /// <summary>The <c>data</c> of an answer about spend limits.</summary>
    public static async Task<JsonElement> LimitsAsync(this GatewayHost gateway, string path)
    {
        using var response = await gateway.SendAsync(HttpMethod.Get, Limits + path, null, ("x-api-key", AdminKey));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("data");
    }

    /// <summary>Cents of alice's month; what is not written yet is written before the answer.</summary>
    public static async Task<decimal> SpentAsync(this GatewayHost gateway)
    {
        var rows = await gateway.LimitsAsync("/effective?user_ids[]=alice&period[]=monthly");
        return decimal.Parse(rows[0].GetProperty("period_to_date_spend").GetString()!, CultureInfo.InvariantCulture);
    }
}
