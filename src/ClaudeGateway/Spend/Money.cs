using System.Globalization;

namespace ClaudeGateway.Spend;

/// <summary>
/// An amount of US money in billionths of a cent: every listed price is a whole number of them per token, so sums are
/// exact. Never negative; saturates at <see cref="Max"/> (90 million US dollars) instead of overflowing.
/// </summary>
internal readonly record struct Money : IComparable<Money>
{
    public const long NanoCentsPerCent = 1_000_000_000;

    public static readonly Money Zero;

    /// <summary>
    /// What a sum holds at most, in memory and in the store: still within the range of a 64-bit number.
    /// </summary>
    public const long MaxNanoCents = 9_000_000_000_000_000_000;

    public static readonly Money Max = new(MaxNanoCents);

    /// <summary>
    /// What one request or one grouped record may add at most, so that a sum in the store cannot overflow either.
    /// </summary>
    public static readonly Money MaxDelta = new(200_000_000_000_000_000);

    public Money(long nanoCents) => NanoCents = Math.Clamp(nanoCents, 0, MaxNanoCents);

    public long NanoCents { get; }

    public static Money FromCents(long cents) =>
        new(cents > Max.NanoCents / NanoCentsPerCent ? Max.NanoCents : cents * NanoCentsPerCent);

    public static Money operator +(Money left, Money right) =>
        new(left.NanoCents + right.NanoCents < 0 ? Max.NanoCents : left.NanoCents + right.NanoCents);

    public static Money operator -(Money left, Money right) => new(left.NanoCents - right.NanoCents);

    public static bool operator <(Money left, Money right) => left.NanoCents < right.NanoCents;

    public static bool operator >(Money left, Money right) => left.NanoCents > right.NanoCents;

    public static bool operator <=(Money left, Money right) => left.NanoCents <= right.NanoCents;

    public static bool operator >=(Money left, Money right) => left.NanoCents >= right.NanoCents;

    /// <summary>This amount <paramref name="count"/> times.</summary>
    public Money Times(long count)
    {
        var product = (Int128)NanoCents * count;
        return product > Max.NanoCents ? Max : new Money((long)product);
    }

    /// <summary>Whether a cap of so many whole cents is reached; a cap of 0 always is.</summary>
    public bool Reaches(long capCents) => NanoCents >= (Int128)capCents * NanoCentsPerCent;

    /// <summary>Share of a cap of so many cents, unrounded; 1 for a cap of 0.</summary>
    public decimal ShareOf(long capCents) => capCents == 0 ? 1 : NanoCents / (decimal)NanoCentsPerCent / capCents;

    public long WholeCents => NanoCents / NanoCentsPerCent;

    /// <summary>US dollars for a metric, to some fifteen digits.</summary>
    public double InDollars => (double)NanoCents / NanoCentsPerCent / 100;

    /// <summary>US dollars for a log: at least two decimals, six at most.</summary>
    public string ToDollars() =>
        (NanoCents / (decimal)NanoCentsPerCent / 100).ToString("0.00####", CultureInfo.InvariantCulture);

    public int CompareTo(Money other) => NanoCents.CompareTo(other.NanoCents);

    /// <summary>Cents as the admin API shows them: three decimals at most, trailing zeros cut.</summary>
    public override string ToString() =>
        Math.Round(NanoCents / (decimal)NanoCentsPerCent, 3, MidpointRounding.AwayFromZero)
        .ToString("0.###", CultureInfo.InvariantCulture);
}
