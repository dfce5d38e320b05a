using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>
/// GET /v1/models: the models this developer can use, without asking an upstream (spec/inference.md).
/// </summary>
internal sealed class ModelsEndpoint(ModelListing listing)
{
    public void Map(Routes table) => table.Session("GET", "/v1/models", HandleAsync);

    private Task HandleAsync(GatewayRequest request, Principal principal)
    {
        var body = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var model in listing.For(principal))
            {
                Write(json, model);
            }

            json.WriteEndArray();
            json.WriteBoolean("has_more", false);
            json.WriteNull("first_id");
            json.WriteNull("last_id");
            json.WriteEndObject();
        }

        return Answers.WriteAsync(request, StatusCodes.Status200OK, Answers.Json, body.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter json, ListedModel model)
    {
        json.WriteStartObject();
        json.WriteString("type", "model");
        json.WriteString("id", model.Id);
        json.WriteString("display_name", model.Label ?? model.Id);
        if (model.Description is not null)
        {
            json.WriteString("description", model.Description);
        }

        if (model.MaxInputTokens is { } window)
        {
            json.WriteNumber("max_input_tokens", window);
        }

        json.WriteEndObject();
    }
}
