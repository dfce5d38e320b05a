namespace ClaudeGateway.Config;

/// <summary>Where Microsoft Graph is, in the cloud of a sign-in host of Entra's
/// (https://learn.microsoft.com/graph/deployments).</summary>
internal static class EntraClouds
{
    /// <param name="issuer">Null, or any that is not of a sovereign cloud, means the worldwide one.</param>
    public static Uri GraphOf(Uri? issuer) => issuer?.IdnHost switch
    {
        "login.microsoftonline.us" => new Uri("https://graph.microsoft.us"),
        "login.chinacloudapi.cn" or "login.partner.microsoftonline.cn" =>
            new Uri("https://microsoftgraph.chinacloudapi.cn"),
        _ => new Uri("https://graph.microsoft.com"),
    };
}
