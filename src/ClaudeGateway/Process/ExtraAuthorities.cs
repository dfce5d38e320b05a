using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClaudeGateway.Process;

/// <summary>
/// Authorities trusted beside the system's, for every connection with TLS: the PEM file that <c>NODE_EXTRA_CA_CERTS</c>
/// names.
/// </summary>
internal static class ExtraAuthorities
{
    private const string Variable = "NODE_EXTRA_CA_CERTS";

    /// <summary>
    /// Empty without the variable; a file that cannot be used is warned of and ignored, as Node.js does.
    /// </summary>
    /// <param name="warn">Takes the warning's text.</param>
    public static X509Certificate2Collection Read(ProcessEnvironment environment, Action<string> warn)
    {
        var authorities = new X509Certificate2Collection();
        if (environment[Variable] is { Length: > 0 } file)
        {
            try
            {
                authorities.ImportFromPemFile(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                warn($"{Variable}: {file} cannot be used and is ignored: {e.Message}");
            }
        }

        return authorities;
    }

    /// <summary>
    /// What a certificate must descend from: <paramref name="own"/> and the extra ones; without own authorities the
    /// system's and the extra ones.
    /// </summary>
    public static X509ChainPolicy ChainPolicy(X509Certificate2Collection? own, X509Certificate2Collection extra)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (own is null && extra.Count == 0)
        {
            return policy;
        }

        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(extra);
        if (own is not null)
        {
            policy.CustomTrustStore.AddRange(own);
            return policy;
        }

        // Custom trust replaces the system's, so its authorities are listed too.
        using var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
        policy.CustomTrustStore.AddRange(system.Certificates);
        return policy;
    }
}
