using System.Text;

namespace ClaudeGateway.Http;

/// <summary>Whole answers of known length.</summary>
internal static class Answers
{
    /// <summary>As the reference writes it, without a space.</summary>
    public const string Json = "application/json;charset=utf-8";

    public const string PlainText = "text/plain;charset=utf-8";

    public const string Html = "text/html; charset=utf-8";

    public static Task TextAsync(GatewayRequest request, int status, string text) =>
        WriteAsync(request, status, PlainText, Encoding.UTF8.GetBytes(text));

    public static Task WriteAsync(GatewayRequest request, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        var response = request.Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, request.Aborted).AsTask();
    }

    /// <summary>Forbids every cache to keep the answer (RFC 6749 section 5.1 asks for both headers).</summary>
    public static void NoStore(GatewayRequest request)
    {
        request.Http.Response.Headers.CacheControl = "no-store";
        request.Http.Response.Headers.Pragma = "no-cache";
    }
}
