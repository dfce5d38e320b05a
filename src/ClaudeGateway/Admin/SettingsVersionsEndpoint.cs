using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Admin;

/// <summary>
/// GET: how many machines run which version of the managed settings, and which versions the configuration in force
/// serves. Ours; the reference does not keep count.
/// </summary>
internal sealed class SettingsVersionsEndpoint(
    AdminAuthentication authentication, MachineRegister machines, ManagedPolicies policies, TimeProvider clock)
{
    public const string Path = "/v1/organizations/settings_versions";

    private const int DefaultDays = 7;
    private const int MaxDays = 30;
    private const int MaxVersions = 1000;

    public void Map(Routes routes) => routes.Public("GET", Path, HandleAsync);

    private async Task HandleAsync(GatewayRequest gateway)
    {
        var request = new AdminRequest(gateway);
        if (await authentication.AuthenticateAsync(request, mustWrite: false) is null)
        {
            return;
        }

        if (ReadDays(request.Http.Query.First("days")) is not { } days)
        {
            await request.InvalidAsync($"days: must be between 1 and {MaxDays}");
            return;
        }

        await request.WithStoreAsync(async () =>
        {
            var counts = await machines.CountAsync(clock.GetUtcNow().AddDays(-days), MaxVersions + 1);
            await request.OkAsync(json => Write(json, counts, days));
        });
    }

    private static int? ReadDays(string? text) =>
        text is null ? DefaultDays
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days)
        && days is >= 1 and <= MaxDays ? days
        : null;

    private void Write(Utf8JsonWriter json, List<VersionCount> counts, int days)
    {
        var served = policies.Outcomes.ToLookup(outcome => outcome.Document.Version, StringComparer.Ordinal);
        var shown = counts.Take(MaxVersions).ToList();
        json.WriteStartObject();
        json.WriteStartArray("data");
        foreach (var count in shown)
        {
            WriteVersion(json, count.Version, count, served[count.Version]);
        }

        foreach (var unused in served.Where(version => !shown.Exists(count => count.Version == version.Key))
            .OrderBy(version => version.Key, StringComparer.Ordinal))
        {
            WriteVersion(json, unused.Key, null, unused);
        }

        json.WriteEndArray();
        json.WriteNumber("machines", shown.Sum(count => count.Machines));
        json.WriteNumber("days", days);
        json.WriteBoolean("has_more", counts.Count > MaxVersions);
        json.WriteEndObject();
    }

    private void WriteVersion(
        Utf8JsonWriter json, string version, VersionCount? count, IEnumerable<PolicyOutcome> outcomes)
    {
        var servedTo = outcomes.OrderBy(outcome => outcome.Selection.Index).ToList();
        json.WriteStartObject();
        json.WriteString("type", "settings_version");
        json.WriteString("version", version);
        json.WriteNumber("machines", count?.Machines ?? 0);
        json.WriteString("oldest_seen_at", count is null ? null : SpendLimitJson.Time(count.OldestSeen));
        json.WriteString("newest_seen_at", count is null ? null : SpendLimitJson.Time(count.NewestSeen));
        if (servedTo.Count > 0 || policies.AreOutcomesComplete)
        {
            json.WriteBoolean("current", servedTo.Count > 0);
        }
        else
        {
            json.WriteNull("current");
        }

        json.WriteStartArray("policies");
        foreach (var selection in servedTo.Select(outcome => outcome.Selection)
            .Where(selection => selection.Layers.Count > 0))
        {
            WritePolicy(json, selection);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WritePolicy(Utf8JsonWriter json, PolicySelection selection)
    {
        json.WriteStartObject();
        json.WriteNumber("policy_index", selection.Index);
        if (selection.ReportedIndexes is { } indexes)
        {
            json.WriteStartArray("policy_indexes");
            foreach (var index in indexes)
            {
                json.WriteNumberValue(index);
            }

            json.WriteEndArray();
        }

        var match = policies.MatchOf(selection.Index);
        json.WriteStartArray("groups");
        foreach (var group in match.Groups ?? [])
        {
            json.WriteStringValue(group);
        }

        json.WriteEndArray();
        json.WriteString("email_domain", match.EmailDomain);
        json.WriteEndObject();
    }
}
