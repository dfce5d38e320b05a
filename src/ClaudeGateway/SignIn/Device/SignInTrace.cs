using System.Diagnostics;
using ClaudeGateway.Instrumentation;

namespace ClaudeGateway.SignIn.Device;

/// <summary>
/// The one trace of a sign-in, whose steps are requests of a device and of a browser, to any replica, at any time: its
/// id is made of what all of them know, the hash of the device code. Always kept: a sign-in is rare beside messages.
/// </summary>
internal static class SignInTrace
{
    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;

    /// <summary>
    /// A step, linked to the request's own span, which may be in a trace of the client's; null when nobody traces.
    /// </summary>
    public static Activity? Step(GatewayMeter meter, string step, byte[] deviceCodeHash)
    {
        if (!meter.Traces.HasListeners())
        {
            return null;
        }

        var request = Activity.Current?.Context;
        return meter.Traces.StartActivity(
            $"sign_in {step}", ActivityKind.Internal, ContextOf(deviceCodeHash), null,
            request is { } context ? [new ActivityLink(context)] : null);
    }

    /// <summary>Nobody guesses a code from it: it is a part of a hash of 256 random bits.</summary>
    internal static ActivityContext ContextOf(byte[] deviceCodeHash) => new(
        ActivityTraceId.CreateFromBytes(deviceCodeHash.AsSpan(0, TraceIdBytes)),
        ActivitySpanId.CreateFromBytes(deviceCodeHash.AsSpan(TraceIdBytes, SpanIdBytes)),
        ActivityTraceFlags.Recorded, null, isRemote: true);
}
