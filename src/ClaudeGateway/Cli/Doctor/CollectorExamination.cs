using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;

namespace ClaudeGateway.Cli.Doctor;

/// <summary>
/// Sends a collector an export without content: zero bytes are a valid, empty OTLP request in protobuf.
/// </summary>
internal static class CollectorExamination
{
    public static async Task<Finding> RunAsync(
        int index,
        TelemetryDestination destination,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        CancellationToken cancellation)
    {
        var subject = $"telemetry.forward_to[{index}] ({destination.Url.Host})";
        var signal = destination.Metrics ? OtlpSignal.Metrics : destination.Logs ? OtlpSignal.Logs : OtlpSignal.Traces;
        var authorize = destination.Auth is { } auth
            ? new CollectorCredentials(environment, outbound, clock).For(auth)
            : null;
        var sender = new OtlpSender(destination, authorize, outbound.CreateClient(new OutboundOptions()), clock);
        var answer = await sender.SendAsync(new OtlpExport(signal, [], "application/x-protobuf", null), cancellation);
        return answer switch
        {
            { IsAccepted: true } => Finding.Well(subject, $"took an empty export at {OtlpSignals.Path(signal)}"),
            { Text: "status 400" } => Finding.Well(subject, "reached and authorised; it does not like an empty export"),
            { Text: "status 401" or "status 403" } => Finding.Ill(subject, answer.Text, Fix(destination.Auth)),
            { Text: "status 404" } =>
                Finding.Ill(
                    subject,
                    answer.Text,
                    $"url must be the collector's base: {OtlpSignals.Path(signal)} is appended to it"),
            _ => Finding.Ill(subject, answer.Text, "let the gateway reach the collector"),
        };
    }

    private static string Fix(CollectorAuth? auth) => auth switch
    {
        CollectorAuth.Google =>
            "grant the service account roles/monitoring.metricWriter, roles/logging.logWriter or "
                + "roles/cloudtrace.agent, as the enabled signals need",
        CollectorAuth.Aws =>
            "grant the role what its service asks for, e.g. xray:PutTraceSegments, logs:PutLogEvents or "
                + "aps:RemoteWrite",
        _ => "check the key in telemetry.forward_to[].headers",
    };
}
