using ClaudeGateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClaudeGateway.SignIn;

/// <summary>
/// The form body of a sign-in request, read once. Of a repeated field the first value counts; names are as written (RFC
/// 6749 appendix B), though the collection would ignore their case.
/// </summary>
internal sealed class SignInForm
{
    /// <summary>
    /// Enough for a bearer of thousands of groups; these endpoints need no bearer, so nobody may make them hold much.
    /// </summary>
    private const long MaxBytes = 1024 * 1024;

    private readonly IFormCollection _fields;

    private SignInForm(IFormCollection fields) => _fields = fields;

    public string? this[string name] =>
        _fields.TryGetValue(name, out var values) && _fields.Keys.Contains(name, StringComparer.Ordinal)
        ? values[0]
        : null;

    /// <summary>The form, or null when the body is none (neither form-encoded nor multipart, or broken).</summary>
    /// <exception cref="BadHttpRequestException">The body is larger than the limit.</exception>
    public static async Task<SignInForm?> ReadAsync(GatewayRequest request)
    {
        var http = request.Http;
        if (!http.Request.HasFormContentType)
        {
            return null;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = Math.Min(limit.MaxRequestBodySize ?? MaxBytes, MaxBytes);
        }

        try
        {
            return new SignInForm(await http.Request.ReadFormAsync(request.Aborted));
        }
        catch (Exception e)
            when (
                e is InvalidDataException
                || (e is IOException and not BadHttpRequestException && !request.Aborted.IsCancellationRequested))
        {
            return null;
        }
    }
}
