using System.Buffers;
using System.Text.Json;
using ClaudeGateway.Http;
using ClaudeGateway.Managed;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Messages;

/// <summary>GET /v1/models: the models this developer can use, without asking an upstream (spec/inference.md).</summary>
internal sealed class ModelsEndpoint(ModelRoutes routes, Func<Principal, ModelAccess> modelAccess)
{
    public void Map(Routes table) => table.Session("GET", "/v1/models", HandleAsync);

    private Task HandleAsync(GatewayRequest request, Principal principal)
    {
        var access = modelAccess(principal);
        var body = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var route in routes.ListedFor(principal))
            {
                if (access.Check(route.Model.Id, route.Model) == ModelVerdict.Allowed)
                {
                    Write(json, route);
                }
            }

            json.WriteEndArray();
            json.WriteBoolean("has_more", false);
            json.WriteNull("first_id");
            json.WriteNull("last_id");
            json.WriteEndObject();
        }

        return Answers.WriteAsync(request, StatusCodes.Status200OK, Answers.Json, body.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter json, ModelRoute route)
    {
        json.WriteStartObject();
        json.WriteString("type", "model");
        json.WriteString("id", route.Model.Id);
        // An entry for another spelling of the same model does not describe this one.
        var isNamed = route.Model.Configured?.Id == route.Model.Id;
        json.WriteString("display_name", isNamed ? route.Model.Configured?.Label ?? route.Model.Id : route.Model.Id);
        if (isNamed && route.Model.Configured?.Description is { } description)
        {
            json.WriteString("description", description);
        }

        if (MaxInputTokens(route) is { } window)
        {
            json.WriteNumber("max_input_tokens", window);
        }

        json.WriteEndObject();
    }

    /// <summary>Known only when everything the model may be sent as is a built-in one with the same window.</summary>
    private static int? MaxInputTokens(ModelRoute route)
    {
        var windows = route.Targets.Select(target => SentAs(target, route.Model.BuiltIn)?.MaxInputTokens).Distinct().ToArray();
        return windows is [{ } only] ? only : null;
    }

    private static BuiltInModel? SentAs(RouteTarget target, BuiltInModel? builtIn) =>
        builtIn is not null && target.Upstream.BuiltInModelId(builtIn) == target.ModelId ? builtIn : BuiltInModels.Find(target.ModelId);
}
