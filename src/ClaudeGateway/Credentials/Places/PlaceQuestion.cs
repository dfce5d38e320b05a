using ClaudeGateway.Process;

namespace ClaudeGateway.Credentials.Places;

/// <summary>
/// Where an upstream is to be used, a region or a project, as a cloud's own libraries find it out: the first source
/// that has a usable answer gives it.
/// </summary>
internal abstract class PlaceQuestion
{
    /// <summary>What is looked for, such as "AWS region".</summary>
    public abstract string What { get; }

    /// <summary>The variable to set where nothing has it.</summary>
    public abstract string Variable { get; }

    /// <summary>Sources on this machine that need no connection, in order.</summary>
    protected abstract IReadOnlyList<PlaceSource> Here { get; }

    /// <summary>The last source: what the platform tells the machine about itself.</summary>
    protected abstract string Platform { get; }

    /// <summary>Bounded in time by itself. Null when it is turned off.</summary>
    /// <exception cref="UpstreamUnavailableException">It has no answer.</exception>
    protected abstract Task<string?> AskPlatformAsync(CredentialHttp http, CancellationToken cancellation);

    /// <summary>Whether the text may become part of a host name or path.</summary>
    protected abstract bool IsSound(string place);

    /// <summary>What the sources on this machine say; null when none has it.</summary>
    public FoundPlace? FindHere() => SearchHere([]);

    /// <param name="key">The key of the configuration that lacks it.</param>
    /// <exception cref="OperatorException">Nothing has it; says what each source answered.</exception>
    public async Task<FoundPlace> FindAsync(string key, CredentialHttp http, CancellationToken cancellation)
    {
        var misses = new List<string>();
        if (SearchHere(misses) is { } here)
        {
            return here;
        }

        try
        {
            if (Judge(Platform, await AskPlatformAsync(http, cancellation), "is turned off", misses) is { } found)
            {
                return found;
            }
        }
        catch (UpstreamUnavailableException e)
        {
            misses.Add($"{Platform} ({e.Message})");
        }

        throw new OperatorException(
            $"{Variable} ({key}): is not set, and nothing else names the {What}. Asked in this order: "
                + $"{string.Join("; ", misses)}. Set {Variable}");
    }

    private FoundPlace? SearchHere(List<string> misses)
    {
        foreach (var source in Here)
        {
            try
            {
                if (Judge(source.Name, source.Read(), source.WithoutIt, misses) is { } found)
                {
                    return found;
                }
            }
            catch (UpstreamUnavailableException e)
            {
                misses.Add($"{source.Name} ({e.Message})");
            }
        }

        return null;
    }

    private FoundPlace? Judge(string source, string? answer, string withoutIt, List<string> misses)
    {
        var place = answer?.Trim();
        if (string.IsNullOrEmpty(place))
        {
            misses.Add($"{source} ({withoutIt})");
            return null;
        }

        if (!IsSound(place))
        {
            // Not repeated: whoever answered in the platform's place chose the text.
            misses.Add($"{source} (what it says is no {What})");
            return null;
        }

        return new FoundPlace(place, source);
    }
}

/// <param name="Name">For the log and the operator.</param>
/// <param name="WithoutIt">What is said of it when it has no answer: "not set".</param>
/// <param name="Read">Null or empty without an answer; throws <see cref="UpstreamUnavailableException"/> when it cannot
/// be read.</param>
internal sealed record PlaceSource(string Name, string WithoutIt, Func<string?> Read);

/// <summary>A region or project, and what named it.</summary>
internal sealed record FoundPlace(string Value, string Source);
