using System.Text.RegularExpressions;
using ClaudeGateway.Process;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClaudeGateway.Http.Serving;

/// <summary>
/// What every request passes, measured from its arrival to its end, in this order (spec/auth.md, Common):
/// 1. request id and security headers, 2. client address and access control (403), 3. syntax (400), URL, header and
/// body limits, the name it was sent to (421), 4. route, 5. bearer (401), 6. the feature's handler or 404. One instance
/// serves one configuration snapshot.
/// </summary>
internal sealed partial class RequestPipeline(RequestPipelineParts parts)
{
    private const string Unreadable = "the request could not be read";

    private static readonly TimeSpan BreakOffPause = TimeSpan.FromMilliseconds(100);

    /// <param name="ended">Called once when the request is over, however it ended.</param>
    public async Task HandleAsync(HttpContext http, Action ended)
    {
        try
        {
            // 1. Request id and security headers.
            var address = parts.ClientAddress.Of(http);
            var request = new GatewayRequest(http, RequestId(http), address.Address, parts.Clock.GetTimestamp());
            SetCommonHeaders(request);
            var span = parts.Meters.Began(http);
            try
            {
                await RouteAsync(request, address.UnreadableHop);
            }
#pragma warning disable CA1031 // The one place where anything unforeseen becomes a 500.
            catch (Exception e)
#pragma warning restore CA1031
            {
                await AnswerExceptionAsync(request, e);
            }
            finally
            {
                parts.Meters.Ended(request, span);
            }

            if (request.IsBrokenOff)
            {
                // A reset is what clients of the reference see. It would drop what is still on its way through the
                // server: that gets a moment to leave (real time: nothing waits for this request any more).
#pragma warning disable RS0030 // What is on its way needs real time.
                await Task.Delay(BreakOffPause, TimeProvider.System);
#pragma warning restore RS0030
                http.Abort();
            }
        }
        finally
        {
            ended();
        }
    }

    /// <summary>
    /// Whether the client has left, in the middle of its body perhaps: the server tells the reader of a body before it
    /// tells <see cref="HttpContext.RequestAborted"/>.
    /// </summary>
    private static bool IsClientGone(HttpContext http, Exception e) =>
        e is ConnectionResetException or ConnectionAbortedException
        || (http.RequestAborted.IsCancellationRequested
            && e is OperationCanceledException or IOException and not BadHttpRequestException);

    private Task RouteAsync(GatewayRequest request, string? unreadableHop)
    {
        // 2. Access control.
        if (!parts.AccessControl.Admits(request, unreadableHop))
        {
            return RefuseAsync(request, StatusCodes.Status403Forbidden, "forbidden");
        }

        // 3. Syntax, limits and name.
        if (!RequestSyntax.IsSound(request.Http.Request))
        {
            return RefuseUnsoundAsync(request);
        }

        if (parts.Limits.Check(request) is { } refusal)
        {
            return RefuseAsync(request, refusal.Status, refusal.Text);
        }

        if (!parts.Names.Serves(request))
        {
            return parts.Names.RefuseAsync(request);
        }

        // 4. The route.
        var route = request.Route = parts.Routes.Find(request.Http.Request.Method, RoutingPath(request));
        if (route?.Public is { } handler)
        {
            return HandleElsewhereAsync(request, handler);
        }

        // 5. The bearer.
        var check = parts.Session.Check(request.Http.Request.Headers);
        if (check.Principal is not { } principal)
        {
            parts.Audit.AuthDenied(request.Id, check.Reason, request.Path, request.ClientAddress.ToString());
            request.Http.Response.Headers["x-should-retry"] = "false";
            return ApiError.Authentication("invalid token").WriteAsync(request);
        }

        // 6. The handler.
        return route?.Session is not { } sessionHandler
            ? RefuseAsync(request, StatusCodes.Status404NotFound, "not found")
            : route.IsInline ? sessionHandler(request, principal)
            : HandleElsewhereAsync(request, elsewhere => sessionHandler(elsewhere, principal));
    }

    /// <summary>
    /// Where a request is not what it says it is, nobody knows where it ends: nothing more is read from its connection.
    /// </summary>
    private static Task RefuseUnsoundAsync(GatewayRequest request)
    {
        if (!HttpProtocol.IsHttp2(request.Http.Request.Protocol))
        {
            request.Http.Response.Headers.Connection = "close";
        }

        return ApiError.InvalidRequest(Unreadable).WriteAsync(request);
    }

    /// <summary>Clients of the API show the message of its error envelope; people and probes read text.</summary>
    private static Task RefuseAsync(GatewayRequest request, int status, string text)
    {
        var isApi = request.Path.StartsWith("/v1/", StringComparison.Ordinal)
            || request.Path.StartsWith("/api/", StringComparison.Ordinal)
            || request.Path.StartsWith("/managed/", StringComparison.Ordinal);
        var type = status switch
        {
            StatusCodes.Status403Forbidden => "permission_error",
            StatusCodes.Status404NotFound => "not_found_error",
            StatusCodes.Status413PayloadTooLarge => "request_too_large",
            _ => "invalid_request_error",
        };
        return isApi ? new ApiError(status, type, text).WriteAsync(request) : Answers.TextAsync(request, status, text);
    }

    /// <summary>
    /// The request was read on a thread that many sockets share; a handler that may take its time leaves it first.
    /// </summary>
    private static async Task HandleElsewhereAsync(GatewayRequest request, PublicHandler handler)
    {
        await SocketThreads.LeaveAsync();
        await handler(request);
    }

    /// <summary>Kestrel has decoded the path; a percent-encoded spelling of a route is not that route.</summary>
    private static string RoutingPath(GatewayRequest request)
    {
        var target = request.Http.Features.Get<IHttpRequestFeature>()?.RawTarget;
        if (target is null)
        {
            return request.Path;
        }

        var path = target.AsSpan();
        var query = path.IndexOf('?');
        path = query < 0 ? path : path[..query];
        return path.Contains('%') ? path.ToString() : request.Path;
    }

    private void SetCommonHeaders(GatewayRequest request)
    {
        var headers = request.Http.Response.Headers;
        headers["x-request-id"] = request.Id;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (parts.TerminatesTls)
        {
            headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        }
    }

    /// <summary>
    /// A client may name its request through x-client-request-id; x-request-id of a client is never adopted.
    /// </summary>
    private static string RequestId(HttpContext http)
    {
        var own = http.Request.Headers["x-client-request-id"];
        return own.Count == 1 && own[0] is { } id && ClientRequestId().IsMatch(id) ? id : RandomUuid.Next();
    }

    private Task AnswerExceptionAsync(GatewayRequest request, Exception thrown) => thrown switch
    {
        // There is nobody to answer.
        _ when IsClientGone(request.Http, thrown) => Task.CompletedTask,
        BadHttpRequestException bad => AnswerBadRequestAsync(request, bad),
        // How the server reports a chunk size that no number holds; of all it finds wrong, the one that is no
        // BadHttpRequestException.
        IOException { InnerException: OverflowException } => AnswerBadRequestAsync(
            request, new BadHttpRequestException(thrown.Message, StatusCodes.Status400BadRequest, thrown)),
        _ => AnswerFailureAsync(request, thrown),
    };

    private static Task AnswerBadRequestAsync(GatewayRequest request, BadHttpRequestException e)
    {
        if (request.Http.Response.HasStarted)
        {
            request.Http.Abort();
            return Task.CompletedTask;
        }

        return e.StatusCode == StatusCodes.Status413PayloadTooLarge
            ? RefuseAsync(request, e.StatusCode, "payload too large")
            : new ApiError(e.StatusCode, "invalid_request_error", Unreadable).WriteAsync(request);
    }

    private Task AnswerFailureAsync(GatewayRequest request, Exception e)
    {
        parts.Log.Error(
            $"request {request.Id} {request.Http.Request.Method} {request.Path} failed: {e.GetType().Name}: "
                + $"{e.Message}");
        if (parts.Log.IsDebugEnabled)
        {
            parts.Log.Debug(e.ToString());
        }

        if (request.Http.Response.HasStarted)
        {
            request.BreakOff();
            return Task.CompletedTask;
        }

        return ApiError.Internal().WriteAsync(request);
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex ClientRequestId();
}
