using System.Text;
using System.Text.Json;
using ClaudeGateway.Upstreams.Responses;

namespace ClaudeGateway.Tests.Upstreams;

public sealed class CapabilityRejectionTests
{
    private static readonly string[] Betas = ["foo-beta", "other-beta"];

    [Theory]
    [InlineData("messages.1.content.0: Invalid `signature` in `thinking` block", true)]
    [InlineData("Invalid signature in thinking block (Service: BedrockRuntime, Status Code: 400)", true)]
    [InlineData(
        "The model returned the following errors: messages.3.content.0.thinking.signature: Field required", true)]
    [InlineData("messages.1.content.0.thinking.signature.str: Input should be a valid string", true)]
    [InlineData("messages.1.content.0: Invalid `data` in `redacted_thinking` block", true)]
    [InlineData("The request signature we calculated does not match the signature you provided", false)]
    [InlineData("thinking.budget_tokens: Input should be greater than or equal to 1024", false)]
    [InlineData("Expected `thinking` or `redacted_thinking`, but found `text`", false)]
    public void Every_providers_words_for_a_thinking_block_that_it_did_not_sign_are_known(string text, bool isKnown) =>
        Assert.Equal(isKnown, CapabilityRejection.IsThinkingSignature(text));

    [Theory]
    [InlineData("prompt is too long: 205000 tokens > 200000 maximum", "prompt_too_long")]
    [InlineData("INPUT IS TOO LONG FOR REQUESTED MODEL", "prompt_too_long")]
    [InlineData(
        "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000", "max_tokens_context_overflow")]
    [InlineData("image dimensions exceed max allowed size: 8000 pixels", "image_block")]
    [InlineData("messages.0.content.1.image.source.base64: bad", "image_block")]
    [InlineData("messages.0.content.0.tool_result.content.0.image.source: bad", "image_block")]
    [InlineData("messages.1.content.0.pdf.source.base64.data: The PDF specified was not valid.", "document_block")]
    [InlineData("A maximum of 100 PDF pages may be provided.", "document_block")]
    [InlineData("thinking.type: enabled is not supported", "thinking_type:enabled")]
    [InlineData("`thinking.type.adaptive` is not supported", "thinking_type:adaptive")]
    [InlineData("Adaptive thinking is not supported on this model", "thinking_type:adaptive")]
    [InlineData("This model does not support the effort parameter.", "effort_unsupported")]
    [InlineData("output_config.effort: Extra inputs are not permitted", "effort_unsupported")]
    [InlineData("output_config.format: Extra inputs are not permitted", "structured_outputs_unsupported")]
    [InlineData("messages.2.content.0.thinking.signature: Field required", "thinking_signature")]
    [InlineData(
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
        "thinking_signature")]
    [InlineData("role 'system' is not supported on this model", "mid_conv_system")]
    [InlineData("messages.3.role: Unexpected role \"system\"", "mid_conv_system")]
    [InlineData("Unexpected value(s) `other-beta` for the `anthropic-beta` header", "beta_header:other-beta")]
    [InlineData(
        "messages.0.content.0.text.cache_control.ephemeral.scope: Extra inputs are not permitted",
        "cache_control_field")]
    [InlineData("tools.0.custom.cache_control: Extra inputs are not permitted", "cache_control_field")]
    public void A_known_cause_has_a_token(string text, string token) =>
        Assert.Equal(token, CapabilityRejection.Find(text, Betas));

    [Theory]
    [InlineData("messages.0.role: Unexpected role \"system\"")]
    [InlineData("\"thinking.type.disabled\" is not supported")]
    [InlineData("blocks cannot be modified")]
    [InlineData("context_management: Extra inputs are not permitted")]
    [InlineData("system.0.cache_control.ephemeral.scope: Extra inputs are not permitted")]
    [InlineData("messages.0.content.0.cache_control.ephemeral.ttl: Extra inputs are not permitted")]
    [InlineData("cache_control.ttl: Extra inputs are not permitted")]
    [InlineData("max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens")]
    [InlineData("Unexpected value(s) `foo-beta-2` for the `anthropic-beta` header")]
    [InlineData("Unexpected value(s) `foo-beta`")]
    [InlineData("User: arn:aws:iam::111122223333:role/x is not authorized")]
    [InlineData("")]
    public void Anything_else_has_none(string text) => Assert.Null(CapabilityRejection.Find(text, Betas));

    [Theory]
    [InlineData("prompt is too long and image exceeds 5 MB", "image_block")]
    [InlineData("image exceeds, output_config.effort: Extra inputs are not permitted", "effort_unsupported")]
    [InlineData("thinking.type.enabled is not supported, thinking.signature: Field required", "thinking_signature")]
    [InlineData(
        "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and "
            + "\"output_config.effort\"",
        "thinking_type:enabled")]
    public void Of_several_causes_the_more_telling_one_counts(string text, string token) =>
        Assert.Equal(token, CapabilityRejection.Find(text, Betas));

    [Theory]
    [InlineData("""{"a":{"b":["prompt is too long"]}}""", "capability_rejected: prompt_too_long")]
    [InlineData("<p>Could not process image</p>", "capability_rejected: image_block")]
    [InlineData(
        """{"message":"{\"error\":{\"message\":\"\\\"thinking.type.enabled\\\" is not supported\"}}"}""",
        "capability_rejected: thinking_type:enabled")]
    [InlineData("""{"Message":"Input is too long."}""", "Input is too long.")]
    [InlineData(
        """{"error":{"message":"The request size (30037042 bytes) exceeds 30.000MB limit."}}""", "Input is too long.")]
    [InlineData("""{"message":"x","other":"Input is too long."}""", "upstream rejected the request")]
    [InlineData("""{"message":"\ud800 arn:aws:iam::1:role/x"}""", "upstream rejected the request")]
    [InlineData("", "upstream rejected the request")]
    public void The_whole_body_is_searched_whatever_its_shape(string body, string message) =>
        Assert.Equal(
            message,
            UpstreamErrors.Translate(400, UpstreamErrorBody.Read(Encoding.UTF8.GetBytes(body)), Betas).Message);

    [Theory]
    [InlineData("invalid_request_error", "words for developers")]
    [InlineData("not_supported", "words for developers")]
    [InlineData("timeout_error", "upstream rejected the request")]
    [InlineData("some_error", "upstream rejected the request")]
    public void An_envelope_of_a_known_type_keeps_its_message(string type, string message) =>
        Assert.Equal(
            message,
            UpstreamErrors.Translate(
                400,
                UpstreamErrorBody.Read(
                    Encoding.UTF8.GetBytes(
                        $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"words for developers"}}""")),
                Betas).Message);

    [Fact]
    public void A_prompt_echoed_by_megabytes_is_searched_in_bounded_time()
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            message = string.Concat(Enumerable.Repeat("thinking.type blocks `thinking` ", 200_000)),
        });

        Assert.Equal(
            "upstream rejected the request",
            UpstreamErrors.Translate(400, UpstreamErrorBody.Read(body), Betas).Message);
    }
}
