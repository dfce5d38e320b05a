using System.Globalization;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Import;

/// <summary>An import in lines for whoever runs it: what there is, what becomes of it, and the sums in cents.</summary>
internal static class ImportReport
{
    public static IEnumerable<string> Lines(ReferenceData data, ImportPlan plan)
    {
        yield return Row("source", $"Anthropic's gateway, in use since {data.Since:yyyy-MM-dd HH:mm:ss} UTC");
        foreach (var note in data.Notes)
        {
            yield return Row("", note);
        }

        yield return Row(
            "limits",
            Parts(
                plan.Limits.Count,
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.New), "new"),
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.Changed), "changed there"),
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.Overwritten), "overwritten"),
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.Equal), "equal"),
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.Kept), "in conflict"),
                (plan.Limits.Count(step => step.Outcome == LimitOutcome.KeptDeleted), "deleted here")));
        foreach (var step in plan.Limits.Where(step => step.Outcome is not (LimitOutcome.New or LimitOutcome.Equal)))
        {
            yield return Row("", Difference(step));
        }

        if (plan.GoneThere > 0)
        {
            yield return Row("", $"{plan.GoneThere} imported before and deleted there since: kept here");
        }

        foreach (var (kind, period) in Kinds)
        {
            var step = plan.Spend.Steps.GetValueOrDefault((kind, period));
            yield return Row(
                kind == CounterKind.Pool ? "budgets" : period.Name(),
                Parts(
                    step.Count, (step.New, "new"), (step.Grown, "grown"), (step.Equal, "equal"),
                    (step.Shrunk, "smaller than at the last import, left as imported"))
                + $"; {Cents(step.Total)} there, {Cents(step.ToAdd)} to add");
        }

        if (data.Negative > 0)
        {
            yield return Row("", $"below zero there, counted as 0: {Number(data.Negative)}");
        }

        yield return Row(
            "people",
            Parts(
                data.Identities.Count, (plan.Identities.New.Count, "new"), (plan.Identities.Newer.Count, "newer there"),
                (plan.Identities.Equal, "equal"), (plan.Identities.NewerHere, "newer here, left as they are")));
        yield return Row(
            "audit",
            Parts(data.Audit.Count, (plan.Audit.Count, "new"), (data.Audit.Count - plan.Audit.Count, "equal")));
        if (plan.Proof is { } proof)
        {
            yield return Row(
                "verified",
                $"the totals that grew: {Cents(proof.Before)} before, {Cents(proof.Added)} added, "
                    + $"{Cents(proof.Before + proof.Added)} now; imported from this source in all: {Cents(proof.Imported)}");
        }
    }

    private static (CounterKind, SpendPeriod)[] Kinds =>
    [
        .. SpendPeriods.All.Select(period => (CounterKind.User, period)), (CounterKind.Pool, SpendPeriod.Monthly),
    ];

    private static string Difference(LimitStep step)
    {
        var scope = step.There.Scope.Type == SpendScopeType.Organization
            ? "organization" : $"{step.There.Scope.TypeName} {step.There.Scope.Id}";
        var here = step.Here is null ? "none" : Amounts(step.Here);
        var end = step.Outcome switch
        {
            LimitOutcome.Changed => "changed there since the last import, taken over",
            LimitOutcome.Overwritten => "overwritten",
            LimitOutcome.KeptDeleted => "deleted here since, not made again (--overwrite would)",
            _ => "kept as it is here (--overwrite takes that of the source)",
        };
        return $"{scope}, {step.There.Period.Name()}: {Amounts(step.There)} there, {here} here: {end}";
    }

    private static string Amounts(SpendLimit limit)
    {
        var own = limit.AmountCents is { } cents ? $"{Number(cents)} cents" : "unlimited";
        return limit.Pool is { AmountCents: { } pool } budget
            ? $"{own} with a budget of {Number(pool)} cents{(budget.IsPaused ? " (paused)" : "")}"
            : own;
    }

    private static string Parts(int count, params (int Count, string What)[] parts)
    {
        var some = parts.Where(part => part.Count > 0).Select(part => $"{Number(part.Count)} {part.What}").ToList();
        return some.Count == 0 ? Number(count) : $"{Number(count)}: {string.Join(", ", some)}";
    }

    private static string Cents(decimal nanoCents) => $"{ImportLedger.Cents(nanoCents)} cents";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Row(string name, string text) => $"{name,-10}{text}";
}
