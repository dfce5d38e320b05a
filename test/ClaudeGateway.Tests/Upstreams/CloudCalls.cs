using System.Net;
using System.Text;
using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.Testing;
using ClaudeGateway.Upstreams.Contract;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Upstreams;

/// <summary>What an upstream is given when it is tried without a gateway around it.</summary>
internal sealed class CloudCalls : IDisposable
{
    private readonly StderrLines _lines;
    private readonly OutboundHttp _outbound;

    public CloudCalls(IReadOnlyDictionary<string, string>? environment = null, TimeProvider? clock = null)
    {
        _lines = new StderrLines(Log);
        var all = new Dictionary<string, string>(environment ?? new Dictionary<string, string>())
        {
            ["CLAUDE_GATEWAY_ALLOW_LOOPBACK"] = "1",
        };
        Environment = new ProcessEnvironment(all);
        Clock = clock ?? TimeProvider.System;
        Operational = new OperationalLog(_lines, Clock, LogLevel.Info);
        _outbound = new OutboundHttp(Environment, Operational);
        CredentialHttp = new CredentialHttp(_outbound, Clock);
    }

    public CapturedLog Log { get; } = new();

    public OperationalLog Operational { get; }

    public ProcessEnvironment Environment { get; }

    public TimeProvider Clock { get; }

    public CredentialHttp CredentialHttp { get; }

    /// <param name="handler">Answers the upstream's requests; null sends them.</param>
    public CloudContext Context(HttpMessageHandler? handler = null) => new(
        handler is null ? _outbound.CreateClient(new OutboundOptions()) : new OutboundClient(handler),
        CredentialHttp,
        Environment,
        null,
        Clock,
        Operational);

    /// <summary>Connections of their own.</summary>
    public OutboundClient Client(OutboundOptions? options = null) =>
        _outbound.CreateClient(options ?? new OutboundOptions());

    public static UpstreamCall Call(
        string body,
        MessagesOperation operation = MessagesOperation.CreateMessage,
        params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        foreach (var (name, value) in headers)
        {
            context.Request.Headers[name] = value;
        }

        return new UpstreamCall(
            new GatewayRequest(context, "req-1", IPAddress.Loopback, 0),
            new Principal("alice", "alice@example.com", "Alice", []) { ExpiresAt = DateTimeOffset.MaxValue },
            MessagesRequest.Read(Encoding.UTF8.GetBytes(body)).Request!,
            operation,
            StripTags: false)
        {
            AcceptEncoding = context.Request.Headers.AcceptEncoding,
        };
    }

    public static async Task<string> BodyAsync(UpstreamResponse response)
    {
        using var reader = new StreamReader(response.OpenBody(null));
        return await reader.ReadToEndAsync();
    }

    public void Dispose()
    {
        _outbound.Dispose();
        _lines.Dispose();
        Log.Dispose();
    }
}
