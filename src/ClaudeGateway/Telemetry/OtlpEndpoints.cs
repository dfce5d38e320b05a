using System.Buffers;
using System.IO.Pipelines;
using ClaudeGateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// POST /v1/metrics, /v1/logs and /v1/traces (spec/policy.md, OTLP relay): takes any body and answers 200 at once. What
/// becomes of it is the relay's business; a client must never fail or wait because a collector does.
/// </summary>
internal sealed class OtlpEndpoints(OtlpRelay relay)
{
    public void Map(Routes routes)
    {
        foreach (var signal in OtlpSignals.All)
        {
            routes.Session("POST", OtlpSignals.Path(signal), (request, _) => HandleAsync(request, signal));
        }
    }

    private async Task HandleAsync(GatewayRequest request, OtlpSignal signal)
    {
        var http = request.Http.Request;
        var body = await ReadAsync(http.BodyReader, request.Aborted);
        relay.Accept(new OtlpExport(signal, body, http.ContentType, Value(http.Headers.ContentEncoding)));
        request.Http.Response.StatusCode = StatusCodes.Status200OK;
        request.Http.Response.ContentLength = 0;
    }

    /// <summary>The whole body; the server stops it at limits.max_request_bytes with 413.</summary>
    private static async Task<byte[]> ReadAsync(PipeReader reader, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellation);
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static string? Value(StringValues header) => header.Count == 0 ? null : header.ToString();
}
