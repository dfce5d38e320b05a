namespace ClaudeGateway.Storage;

/// <summary>
/// What replicas tell each other over NOTIFY, in its one format: a topic alone ("look into the store"), or
/// <c>topic sender text</c>. PostgreSQL carries less than 8,000 bytes.
/// </summary>
/// <param name="Topic">A word without blanks.</param>
/// <param name="Sender">The replica's name, <see cref="ReplicaChannel.Self"/>, without blanks; null with a topic
/// alone.</param>
/// <param name="Text">Anything; empty with a topic alone.</param>
internal readonly record struct ReplicaMessage(string Topic, string? Sender = null, string Text = "")
{
    /// <summary>The one channel; NOTIFY reaches listeners of the same database only.</summary>
    public const string Channel = "claude_gateway";

    public static ReplicaMessage Parse(string payload)
    {
        var parts = payload.Split(' ', 3);
        return parts.Length < 3 ? new ReplicaMessage(parts[0]) : new ReplicaMessage(parts[0], parts[1], parts[2]);
    }

    /// <summary>An SQL expression that sends a message whose sender and text are SQL expressions themselves.</summary>
    public static string SendingSql(string topic, string sender, string text) =>
        $"pg_notify('{Channel}', '{topic} ' || {sender} || ' ' || {text})";

    public override string ToString() => Sender is null ? Topic : $"{Topic} {Sender} {Text}";
}
