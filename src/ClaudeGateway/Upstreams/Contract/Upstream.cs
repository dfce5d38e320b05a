using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Models;
using ClaudeGateway.Sessions;

namespace ClaudeGateway.Upstreams.Contract;

/// <summary>
/// One configured provider: what it calls each model, how a request is written for it and how its answer is read. A
/// provider that speaks another dialect overrides how requests are created and answers read; the loop, the relay and
/// the audit do not know the difference.
/// </summary>
internal abstract class Upstream(UpstreamConfig config)
{
    private readonly HashSet<string>? _groups = config.Groups?.ToHashSet(StringComparer.Ordinal);

    public string Name { get; } = config.Name;

    public string Provider { get; } = config.Provider;

    public bool IsForEveryone => _groups is null;

    /// <summary>Whether <c>upstreams[].groups</c> lets this developer be sent here.</summary>
    public bool IsOpenTo(Principal principal)
    {
        if (_groups is null)
        {
            return true;
        }

        foreach (var group in principal.Groups)
        {
            if (_groups.Contains(group))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether <c>upstreams[].models</c> lets this model be sent here when it is asked for by this id.
    /// </summary>
    public bool Serves(CatalogModel? model, string requestedId) =>
        config.Models is null || config.Models.Any(entry => ModelPattern.Matches(entry, model, requestedId));

    /// <summary>This provider's name for a built-in model; null when it does not have it.</summary>
    public abstract string? BuiltInModelId(BuiltInModel model);

    /// <summary>How long this upstream may take to its response headers; null does not bound it.</summary>
    public abstract TimeSpan? FirstByteTimeout(UpstreamCall call);

    /// <summary>
    /// Does what comes before sending, translation and credentials, and sends nothing: what a load test asks for.
    /// </summary>
    /// <exception cref="UpstreamUnavailableException">No request could be sent, e.g. for want of a
    /// credential.</exception>
    public virtual Task RehearseAsync(UpstreamCall call, string modelId, CancellationToken cancellation) =>
        Task.CompletedTask;

    /// <summary>Asks the upstream. The request body may be read until the task ends, not after.</summary>
    /// <param name="modelId">What this upstream calls the model.</param>
    /// <exception cref="HttpRequestException">There is no answer: refused, reset, garbage.</exception>
    /// <exception cref="UpstreamUnavailableException">No request could be sent, e.g. for want of a
    /// credential.</exception>
    public abstract Task<UpstreamResponse> SendAsync(UpstreamCall call, string modelId, CancellationToken cancellation);
}
