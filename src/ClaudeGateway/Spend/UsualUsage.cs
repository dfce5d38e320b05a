namespace ClaudeGateway.Spend;

/// <summary>
/// What requests to each model usually turn out to be, for one developer or for everybody: what cannot be told from a
/// request before its answer. Safe for concurrent use.
/// </summary>
/// <param name="weight">Of how many requests a mean is made, about.</param>
internal sealed class UsualUsage(int weight)
{
    /// <summary>Far more than anybody uses at a time; the model known for longest makes room.</summary>
    private const int MaxModels = 32;

    /// <summary>Protects the replacement of <see cref="_models"/>; readers take the array as it is.</summary>
    private readonly Lock _change = new();
    private volatile ModelUsage[] _models = [];

    /// <summary>Null while nobody has been served by this model.</summary>
    /// <param name="model">The catalogue's id.</param>
    public ModelUsage? Find(string model)
    {
        foreach (var usage in _models)
        {
            if (string.Equals(usage.Model, model, StringComparison.Ordinal))
            {
                return usage;
            }
        }

        return null;
    }

    /// <param name="outputTokens">What the answer gave.</param>
    /// <param name="beyondBody">What its input cost beyond what the request's length let expect; nothing when it cost
    /// less.</param>
    public void Add(string model, long outputTokens, Money beyondBody)
    {
        var usage = Find(model) ?? Create(model);
        usage.Output.Add(outputTokens);
        usage.BeyondBody.Add(beyondBody.NanoCents);
    }

    private ModelUsage Create(string model)
    {
        lock (_change)
        {
            if (Find(model) is { } known)
            {
                return known;
            }

            var created = new ModelUsage(model, weight);
            _models = [.. _models.Skip(_models.Length - MaxModels + 1), created];
            return created;
        }
    }
}

/// <summary>The means of one model's requests.</summary>
internal sealed class ModelUsage(string model, int weight)
{
    public string Model { get; } = model;

    /// <summary>Tokens.</summary>
    public RunningMean Output { get; } = new(weight);

    /// <summary>Billionths of a cent: files that are named by id, searches, cache writes.</summary>
    public RunningMean BeyondBody { get; } = new(weight);
}
