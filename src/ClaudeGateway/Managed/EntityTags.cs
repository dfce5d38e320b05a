namespace ClaudeGateway.Managed;

/// <summary>What an If-None-Match header asks (RFC 9110 section 13.1.2).</summary>
internal enum EntityTagMatch
{
    None,
    Tag,

    /// <summary>"*": any representation at all.</summary>
    Any,
}

/// <summary>
/// Reads If-None-Match: a list of entity tags, weak or strong, or "*". What is no entity tag is passed over.
/// </summary>
internal static class EntityTags
{
    /// <param name="etag">The current tag, quoted and strong.</param>
    public static EntityTagMatch Match(string? ifNoneMatch, string etag)
    {
        if (string.IsNullOrWhiteSpace(ifNoneMatch))
        {
            return EntityTagMatch.None;
        }

        if (ifNoneMatch.AsSpan().Trim() is "*")
        {
            return EntityTagMatch.Any;
        }

        var rest = ifNoneMatch.AsSpan();
        while (Next(ref rest) is { IsEmpty: false } tag)
        {
            // Weak comparison (section 8.8.3.2): W/"x" matches "x".
            if (tag.SequenceEqual(etag))
            {
                return EntityTagMatch.Tag;
            }
        }

        return EntityTagMatch.None;
    }

    /// <summary>
    /// The next quoted tag without its weakness mark; empty at the end. A comma inside the quotes belongs to the tag.
    /// </summary>
    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest)
    {
        var start = rest.IndexOf('"');
        var length = start < 0 ? -1 : rest[(start + 1)..].IndexOf('"');
        if (length < 0)
        {
            return [];
        }

        var tag = rest.Slice(start, length + 2);
        rest = rest[(start + length + 2)..];
        return tag;
    }
}
