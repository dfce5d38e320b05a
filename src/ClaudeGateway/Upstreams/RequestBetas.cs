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
    private readonly string[] _all;
    private readonly string[] _withoutTags;

    private RequestBetas(string? header)
    {
        _header = header;
        _all = header?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        _withoutTags = Array.Exists(_all, IsTags) ? Array.FindAll(_all, beta => !IsTags(beta)) : _all;
    }

    public static RequestBetas Read(IHeaderDictionary client) =>
        new(client["anthropic-beta"] is { Count: > 0 } header ? ClientHeaders.Join(header) : null);

    /// <summary>
    /// In order; nothing is filtered but, unless it may stay, the one for tags. Not to be written to.
    /// </summary>
    public string[] Values(bool keepTags) => keepTags ? _all : _withoutTags;

    /// <summary>As the client wrote them, or null when nothing is left.</summary>
    public string? Text(bool keepTags) =>
        keepTags || ReferenceEquals(_all, _withoutTags) ? _header
        : _withoutTags.Length == 0 ? null
        : string.Join(',', _withoutTags);

    private static bool IsTags(string beta) => string.Equals(beta, Tags, StringComparison.Ordinal);
}
