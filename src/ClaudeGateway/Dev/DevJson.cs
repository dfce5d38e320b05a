using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Dev;

internal static class DevJson
{
    /// <summary>Sends <paramref name="json"/> with the status that is set.</summary>
    public static Task WriteAsync(HttpContext http, JsonObject json)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(json.ToJsonString()), http.RequestAborted).AsTask();
    }
}
