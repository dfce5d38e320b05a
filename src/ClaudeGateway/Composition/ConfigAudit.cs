using ClaudeGateway.Logging;

namespace ClaudeGateway.Composition;

/// <summary>The audit event of a configuration put in force (spec/config.md).</summary>
internal static class ConfigAudit
{
    public static void ConfigLoad(this AuditLog audit, string path, string sha256, string? etag)
    {
        var json = audit.Begin("config.load");
        json.WriteString("path", path);
        json.WriteString("sha256", sha256);
        if (etag is not null)
        {
            json.WriteString("etag", etag);
        }

        audit.End(json);
    }
}
