using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Fuzzing;

/// <summary>
/// Every target with inputs made from its corpus: the same few thousand in each test run. `./dev fuzz SECONDS` takes
/// new ones for so long, all targets together. A failure names the case; CLAUDE_GATEWAY_FUZZ_CASE=NUMBER runs that one
/// alone.
/// </summary>
public sealed class FuzzTests
{
    private const int CasesPerRun = 4000;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Whatever_comes_the_promises_hold(string name)
    {
        var target = FuzzTargets.All[name];
        if (ulong.TryParse(
            Environment.GetEnvironmentVariable("CLAUDE_GATEWAY_FUZZ_CASE"), CultureInfo.InvariantCulture, out var one))
        {
            Run(target, one);
            return;
        }

        _ = int.TryParse(
            Environment.GetEnvironmentVariable("CLAUDE_GATEWAY_FUZZ_SECONDS"),
            CultureInfo.InvariantCulture,
            out var seconds);
        var first = seconds == 0 ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) >> 16;
        var watch = Stopwatch.StartNew();
        var number = first;
        while (seconds == 0 ? number < CasesPerRun : watch.Elapsed.TotalSeconds * FuzzTargets.All.Count < seconds)
        {
            Run(target, number++);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {number - first} cases from {first} on");
    }

    private static void Run(FuzzTarget target, ulong number)
    {
        var random = new FuzzRandom(number);
        var input = Mutation.Next(random, target.Corpus);
        try
        {
            target.Check(input, random);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"CLAUDE_GATEWAY_FUZZ_CASE={number}, input (base64) {Convert.ToBase64String(input)}: {e.Message}", e);
        }
    }
}
