using System.Net;
using System.Net.Sockets;
using ClaudeGateway.Net;
using ClaudeGateway.Process;

namespace ClaudeGateway.Http.Serving;

/// <summary>
/// The addresses meant by <c>listen.host</c>: an address, a name of this machine, or <c>*</c> for all of them.
/// </summary>
internal static class ListenAddresses
{
    /// <param name="key">The key of gateway.yaml that names the host.</param>
    /// <exception cref="OperatorException">The name has no address.</exception>
    public static IReadOnlyList<IPAddress> Of(string host, string key = "listen.host")
    {
        if (host is "*")
        {
            return [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any];
        }

        if (IPAddress.TryParse(host.Trim('[', ']'), out var address))
        {
            return [AddressRules.Unmap(address)];
        }

        try
        {
            return [.. Dns.GetHostAddresses(host).Select(AddressRules.Unmap).Distinct()];
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new OperatorException(
                $"{key}: \"{host}\" is neither an address nor a name of this machine: {e.Message}. Use 0.0.0.0, "
                    + "::, localhost or an address of this machine",
                e);
        }
    }
}
