using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Config;
using ClaudeGateway.Net;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// Looks at <c>listen.public_url</c> as Claude Code's sign-in does: whether it accepts the addresses of the name, and
/// which certificate it shows to the developer. A gateway that does not run yet is shown by <c>listen.tls</c>.
/// </summary>
internal sealed class PublicUrlExamination(
    ListenConfig config, IReadOnlyList<string> internalNetworks, ServerProbe probe, TimeProvider clock)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>How long before its end a certificate is a finding.</summary>
    private static readonly TimeSpan RenewalTime = TimeSpan.FromDays(14);

    /// <summary>Nothing without a <c>public_url</c>.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        if (config.PublicUrl is null)
        {
            return [];
        }

        var url = new Uri(config.PublicUrl);
        var subject = $"public_url {config.PublicUrl}";
        if (ClientAddressRules.Read(internalNetworks, out var declared) is { } problem)
        {
            return
            [
                Finding.Ill(
                    "gatewayInternalNetworks",
                    problem,
                    "correct it in the machines' managed settings: with a list it cannot use the client refuses every "
                        + "new sign-in"),
            ];
        }

        if (url.Scheme != Uri.UriSchemeHttps && !AddressRules.IsLoopbackHost(url.IdnHost))
        {
            return
            [
                Finding.Ill(
                    subject,
                    "Claude Code refuses to sign in: it takes plain http only for this machine's own address",
                    "use https, by listen.tls or what stands before the gateway"),
            ];
        }

        try
        {
            using var timeout = new Deadline(Timeout, clock, cancellation);
            var addresses = await ServerProbe.ResolveAsync(url.IdnHost, timeout.Token);
            var list = string.Join(", ", addresses);
            var found = ClientAddressRules.Refusal(addresses, declared) is { } refusal
                ? Finding.Ill(subject, $"resolves here to {list}. {refusal.Text}", refusal.Advice)
                : Finding.Well(
                    subject,
                    $"resolves here to {list}, which Claude Code accepts (if developers' machines see the same)");
            return url.Scheme == Uri.UriSchemeHttps
                ? [found, await CertificateAsync(url, addresses, cancellation)]
                : [found];
        }
        catch (SocketException e)
        {
            return
            [
                Finding.Ill(
                    subject,
                    $"does not resolve here: {e.Message}",
                    "add the name to the DNS that developers' machines ask, or correct listen.public_url"),
            ];
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return [Finding.Ill(subject, $"no answer of DNS within {Timeout.TotalSeconds} s", "check the resolver")];
        }
    }

    private async Task<Finding> CertificateAsync(
        Uri url, IReadOnlyList<IPAddress> addresses, CancellationToken cancellation)
    {
        var subject = $"certificate of {url.IdnHost}";
        string unreachable;
        try
        {
            using var timeout = new Deadline(Timeout, clock, cancellation);
            using var presented = await probe.ReadCertificateAsync(addresses, url.Port, url.IdnHost, timeout.Token);
            return Judge(subject, "", presented.Leaf, presented.Problem);
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            unreachable = e.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            unreachable = $"no handshake within {Timeout.TotalSeconds} s";
        }

        if (config.Tls is not { } tls)
        {
            return Finding.Ill(
                subject,
                $"cannot be seen on port {url.Port}: {unreachable}",
                "start the gateway and what terminates TLS before it, and let this machine reach them");
        }

        try
        {
            using var file = tls.ReadCertificate();
            return Judge(subject, $"that of listen.tls, as nothing answers on port {url.Port}; ", file, null);
        }
        catch (Exception e) when (TlsConfig.IsUnusable(e))
        {
            return Finding.Ill(
                subject,
                $"listen.tls: {e.Message}",
                "name the two PEM files, unencrypted, the key belonging to the certificate");
        }
    }

    /// <param name="origin">Where it was seen, if not at the address itself.</param>
    private Finding Judge(string subject, string origin, X509Certificate2 leaf, string? problem)
    {
        var fingerprint = Convert.ToHexStringLower(leaf.GetCertHash(HashAlgorithmName.SHA256));
        var end = leaf.NotAfter.ToUniversalTime();
        var left = end - clock.GetUtcNow().UtcDateTime;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{origin}SHA-256 {fingerprint} (Claude Code shows {fingerprint[..16]} at the first sign-in and asks again "
                + $"when it changes); expires {end:yyyy-MM-dd HH:mm} UTC, in {Math.Floor(left.TotalDays)} days");
        return problem is not null
            ? Finding.Ill(
                subject,
                $"{text}; {problem}",
                "use a certificate for this name from an authority that developers' machines trust "
                    + "(NODE_EXTRA_CA_CERTS there and here for a private one)")
            : left < RenewalTime
                ? Finding.Ill(subject, text, "renew it, and publish the new fingerprint to developers beforehand")
                : Finding.Well(subject, text);
    }
}
