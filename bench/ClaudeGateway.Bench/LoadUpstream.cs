using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ClaudeGateway.Bench;

/// <summary>An upstream that answers every request as the scenario says and keeps nothing of it.</summary>
internal sealed class LoadUpstream : IAsyncDisposable
{
    private readonly WebApplication _server;
    private volatile Script _script = new([], TimeSpan.Zero, IsStream: false);

    public LoadUpstream()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.Backlog = 4096).ConfigureKestrel(
            kestrel =>
                kestrel.Listen(System.Net.IPAddress.Loopback, 0, options => options.Protocols = HttpProtocols.Http1));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    private sealed record Script(byte[][] Answer, TimeSpan Pace, bool IsStream);

    public string Url => _server.Urls.First();

    public Task StartAsync() => _server.StartAsync();

    public void Play(LoadScenario scenario) =>
        _script = new Script(scenario.Answer(), scenario.Pace, scenario.Events > 0);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var script = _script;
        await ReadAsync(http.Request.BodyReader);
        if (!script.IsStream)
        {
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = script.Answer[0].Length;
            await http.Response.BodyWriter.WriteAsync(script.Answer[0]);
            return;
        }

        http.Response.ContentType = "text/event-stream; charset=utf-8";
        foreach (var part in script.Answer)
        {
            await http.Response.BodyWriter.WriteAsync(part);
            if (script.Pace > TimeSpan.Zero)
            {
                await Task.Delay(script.Pace, TimeProvider.System);
            }
        }
    }

    private static async Task ReadAsync(PipeReader body)
    {
        ReadResult result;
        do
        {
            result = await body.ReadAsync();
            body.AdvanceTo(result.Buffer.End);
        }
        while (!result.IsCompleted);
    }
}
