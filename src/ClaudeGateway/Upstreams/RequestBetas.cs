using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// The beta values of a client's <c>anthropic-beta</c> header, read once for all upstreams that are tried.
/// </summary>
internal sealed class RequestBetas
{
    /// <summary>Announces <c>tags</c> in the body; stays with the gateway when it keeps the tags.</summary>
    private const string Tags = "request-tags-2026-08-21";

    private readonly string? _header;
    private readonly bool _hasTags;
    private string[]? _all;
    private string[]? _withoutTags;

    private RequestBetas(string? header)
    {
        _header = header;
        _hasTags = header is not null && header.Contains(Tags, StringComparison.Ordinal)
            && Array.Exists(All, IsTags);
    }

    public static RequestBetas Read(IHeaderDictionary client) =>
        new(client["anthropic-beta"] is { Count: > 0 } header ? ClientHeaders.Join(header) : null);

    /// <summary>
    /// In order; nothing is filtered but, unless it may stay, the one for tags. Not to be written to.
    /// </summary>
    public string[] Values(bool keepTags) => keepTags ? All : WithoutTags;

    /// <summary>As the client wrote them, or null when nothing is left.</summary>
    public string? Text(bool keepTags) =>
        keepTags || !_hasTags ? _header
        : WithoutTags.Length == 0 ? null
        : string.Join(',', WithoutTags);

    /// <summary>What is left without these; the header is written anew.</summary>
    public RequestBetas Without(string[] leftOut)
    {
        var left = Array.FindAll(All, beta => !leftOut.Contains(beta, StringComparer.Ordinal));
        return new RequestBetas(left.Length == 0 ? null : string.Join(',', left));
    }

    private string[] All =>
        _all ??= _header?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private string[] WithoutTags => _withoutTags ??= _hasTags ? Array.FindAll(All, beta => !IsTags(beta)) : All;

    private static bool IsTags(string beta) => string.Equals(beta, Tags, StringComparison.Ordinal);
}
