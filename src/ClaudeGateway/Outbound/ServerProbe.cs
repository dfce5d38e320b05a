using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ClaudeGateway.Process;

namespace ClaudeGateway.Outbound;

/// <summary>The certificate a server presents in a TLS handshake.</summary>
/// <param name="Leaf">The server's own; disposed by whoever asked.</param>
/// <param name="Problem">Why a client here would not trust it for the name, or null.</param>
internal sealed record PresentedCertificate(X509Certificate2 Leaf, string? Problem) : IDisposable
{
    public void Dispose() => Leaf.Dispose();
}

/// <summary>
/// What can be seen of a server from here by its name: addresses and certificate, to be shown and never to be relied
/// on. Nothing is sent to it beyond a handshake.
/// </summary>
internal sealed class ServerProbe(X509Certificate2Collection extraRoots)
{
    /// <exception cref="SocketException">The name does not resolve.</exception>
    public static async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellation) =>
        IPAddress.TryParse(host.Trim('[', ']'), out var literal)
        ? [literal]
        : await Dns.GetHostAddressesAsync(host, cancellation);

    /// <param name="addresses">Tried one after another.</param>
    /// <exception cref="SocketException">No connection.</exception>
    /// <exception cref="IOException">The connection ended, or its other side does not speak TLS.</exception>
    /// <exception cref="AuthenticationException">No handshake.</exception>
    public async Task<PresentedCertificate> ReadCertificateAsync(
        IReadOnlyList<IPAddress> addresses, int port, string host, CancellationToken cancellation)
    {
        var problem = SslPolicyErrors.None;
#pragma warning disable RS0030 // Here connections are made.
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
#pragma warning restore RS0030
        await socket.ConnectAsync([.. addresses], port, cancellation);
        await using var stream = new NetworkStream(socket);
        await using var tls = new SslStream(stream);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = host.Trim('[', ']'),
                CertificateChainPolicy = extraRoots.Count > 0 ? ExtraAuthorities.ChainPolicy(null, extraRoots) : null,
#pragma warning disable CA5359 // Shown with what is wrong with it; nothing is sent over this connection.
                RemoteCertificateValidationCallback = (_, _, _, errors) =>
                {
                    problem = errors;
                    return true;
                },
#pragma warning restore CA5359
            },
            cancellation);
        return new PresentedCertificate(
            X509CertificateLoader.LoadCertificate(tls.RemoteCertificate!.Export(X509ContentType.Cert)),
            Describe(problem));
    }

    private static string? Describe(SslPolicyErrors errors) => errors switch
    {
        SslPolicyErrors.None => null,
        _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) => "it is not for this name",
        _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) =>
            "it comes from no authority that this machine trusts, or is not valid today",
        _ => errors.ToString(),
    };
}
