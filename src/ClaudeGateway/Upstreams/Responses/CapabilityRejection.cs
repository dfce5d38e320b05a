using System.Text.RegularExpressions;
using ClaudeGateway.Models;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// Recognises in a cloud's own 400 the few causes a client can react to, and names them by a stable token instead of
/// the cloud's text, which may hold account numbers (spec/clouds.md, Errors). Letter case never counts. When a text
/// has several causes the first of the list wins.
/// </summary>
internal static partial class CapabilityRejection
{
    public const string PromptTooLong = "prompt_too_long";

    /// <summary>The token, e.g. <c>image_block</c>, or null when the text has none of the causes.</summary>
    /// <param name="betas">The beta values the request was sent with: only those can have been refused.</param>
    public static string? Find(string text, IReadOnlyList<string> betas)
    {
        if (MidConversationSystem().IsMatch(text))
        {
            return "mid_conv_system";
        }

        if (ThinkingSignature().IsMatch(text))
        {
            return "thinking_signature";
        }

        return ThinkingType(text) ?? OutputConfig(text) ?? Blocks(text) ?? BetaHeader(text, betas) ?? Document(text)
            ?? CacheControl(text);
    }

    /// <summary>Whether a text names this beta, and not a longer one.</summary>
    public static bool Names(string text, string beta) => Words.Contains(text, beta, IsBetaCharacter);

    /// <summary>
    /// Whether a 400 is for the signature of a thinking block: it is another provider's, which each says in its own
    /// words, or none of the kind that this one knows.
    /// </summary>
    public static bool IsThinkingSignature(string text) =>
        ThinkingSignature().IsMatch(text) || SignatureOfAnotherKind().IsMatch(text);

    /// <summary>The only cause that also explains a 413.</summary>
    public static bool IsPromptTooLong(string text) =>
        text.Contains("prompt is too long", StringComparison.OrdinalIgnoreCase)
        || text.Contains("input is too long for requested model", StringComparison.OrdinalIgnoreCase);

    private static string? ThinkingType(string text) =>
        EnabledThinking().IsMatch(text) ? "thinking_type:enabled"
        : AdaptiveThinking().IsMatch(text) ? "thinking_type:adaptive"
        : null;

    private static string? OutputConfig(string text) =>
        OutputFormat().IsMatch(text) ? "structured_outputs_unsupported"
        : Effort().IsMatch(text)
        || (text.Contains("output_config", StringComparison.OrdinalIgnoreCase)
                && text.Contains("extra inputs are not permitted", StringComparison.OrdinalIgnoreCase))
            ? "effort_unsupported"
        : null;

    private static string? Blocks(string text) =>
        Image().IsMatch(text) ? "image_block"
        : IsPromptTooLong(text) ? PromptTooLong
        : text.Contains("input length and `max_tokens` exceed context limit", StringComparison.OrdinalIgnoreCase)
        ? "max_tokens_context_overflow"
        : null;

    private static string? Document(string text) => DocumentBlock().IsMatch(text) ? "document_block" : null;

    private static string? CacheControl(string text) =>
        CacheControlField().IsMatch(text) ? "cache_control_field" : null;

    private static string? BetaHeader(string text, IReadOnlyList<string> betas)
    {
        if (!text.Contains("anthropic-beta", StringComparison.OrdinalIgnoreCase)
            && !text.Contains("anthropic_beta", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        foreach (var beta in betas)
        {
            if (Names(text, beta))
            {
                return "beta_header:" + beta;
            }
        }

        return null;
    }

    /// <summary>
    /// Of a beta's name, so that a refused <c>foo-2026-01-01</c> is not taken for a beta <c>foo</c> of the same
    /// request.
    /// </summary>
    private static bool IsBetaCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';

    [GeneratedRegex(
        """\brole ['"`]?system['"`]? is not supported|input should be ['"](user['"] or ['"]assistant|assistant['"] or ['"]user)['"]|messages\.[1-9]\d*(\.role)?: unexpected role ['"]system['"]|unexpected role ['"]system['"].{0,200}as an input message role""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MidConversationSystem();

    [GeneratedRegex(
        """invalid `?signature`? in `?(redacted_)?thinking`? block|thinking\.signature: field required|invalid `?data`? in `?redacted_thinking`? block|thinking\b.{0,200}\bblocks.{0,200}cannot be modified""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ThinkingSignature();

    [GeneratedRegex(
        """thinking\.signature(\.\w+)?: input should be a valid string""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SignatureOfAnotherKind();

    [GeneratedRegex(
        """thinking\.type\W{1,3}enabled\b.{0,40}\bnot supported""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EnabledThinking();

    [GeneratedRegex(
        """adaptive thinking is not supported|thinking\.type\W{1,3}adaptive\b.{0,40}\bnot supported""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AdaptiveThinking();

    [GeneratedRegex(
        """output_config\.format: extra inputs are not permitted""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OutputFormat();

    [GeneratedRegex(
        """\bnot support (the )?effort parameter|\beffort parameter (is )?not supported""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Effort();

    [GeneratedRegex(
        """\bimage (exceeds|dimensions exceed)|could not process image|image does not match the provided media type|messages\.\d+\.content\.\d+\.(tool_result\.content\.\d+\.)?image""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Image();

    [GeneratedRegex(
        """\bpdf pages|the pdf specified|could not process pdf|messages\.\d+\.content\.\d+\.(tool_result\.content\.\d+\.)?(pdf|document)\b""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex DocumentBlock();

    /// <summary>
    /// A field of a block's cache_control that is not known there; not its ttl, and not that of the system prompt.
    /// </summary>
    [GeneratedRegex(
        """(?<!system\.\d+\.(?:\w+\.)*)cache_control(?:\.(?!ttl\b)\w+)*[`'"]?: extra inputs are not permitted""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex CacheControlField();
}
