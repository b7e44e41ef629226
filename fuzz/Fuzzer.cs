using System.Diagnostics;

namespace Gatehouse.Fuzz;

/// <summary>Changes good inputs at random and feeds them to a target. A target fails by throwing, or by taking longer than a second.</summary>
/// <remarks>No coverage feedback: the seeds are real messages, and each run mixes pieces of two. The same seed gives the same inputs.</remarks>
internal sealed class Fuzzer(Target target, int seed)
{
    private static readonly TimeSpan TooLong = TimeSpan.FromSeconds(1);
    private static readonly byte[] Edges = [0, 1, 2, 0x7F, 0x80, 0xC0, 0xFE, 0xFF];

    private readonly Random _random = new(seed);
    private readonly List<byte[]> _seeds = [.. target.Seeds(), []];

    /// <returns>False when an input made the target fail; the input is written beside the program.</returns>
    public bool Run(TimeSpan time)
    {
        var begin = Stopwatch.GetTimestamp();
        long runs = 0;
        while (Stopwatch.GetElapsedTime(begin) < time)
        {
            runs++;
            var input = runs <= _seeds.Count ? _seeds[(int)runs - 1] : Mutate();
            if (Try(input) is not { } fault) continue;

            var path = Path.Combine(AppContext.BaseDirectory, $"{target.Name}-{seed}-{runs}.bin");
            File.WriteAllBytes(path, input);
            System.Console.WriteLine($"{target.Name}: FAILED after {runs} runs, seed {seed}: {fault}\n  input ({input.Length} bytes) in {path}:\n  {Convert.ToHexString(input.AsSpan(0, Math.Min(200, input.Length)))}");
            return false;
        }

        System.Console.WriteLine($"{target.Name}: {runs} runs, seed {seed}, {_seeds.Count} seeds, no failure");
        return true;
    }

    private string? Try(byte[] input)
    {
        var begin = Stopwatch.GetTimestamp();
        try
        {
            target.Run(input);
        }
#pragma warning disable CA1031 // Any exception is what is looked for.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error.ToString();
        }

        return Stopwatch.GetElapsedTime(begin) > TooLong ? $"took {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s" : null;
    }

    private byte[] Mutate()
    {
        var bytes = new List<byte>(_seeds[_random.Next(_seeds.Count)]);
        for (var changes = 1 + _random.Next(6); changes > 0; changes--) Change(bytes);
        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        var at = _random.Next(bytes.Count + 1);
        switch (_random.Next(8))
        {
            case 0 when at < bytes.Count: bytes[at] ^= (byte)(1 << _random.Next(8)); break;
            case 1 when at < bytes.Count: bytes[at] = (byte)_random.Next(256); break;
            case 2 when at < bytes.Count: bytes[at] = Edges[_random.Next(Edges.Length)]; break;
            case 3 when at < bytes.Count: bytes.RemoveRange(at, Math.Min(bytes.Count - at, 1 + _random.Next(16))); break;
            case 4: bytes.InsertRange(at, Enumerable.Range(0, 1 + _random.Next(8)).Select(_ => (byte)_random.Next(256))); break;
            case 5: bytes.RemoveRange(at, bytes.Count - at); break;
            case 6: bytes.InsertRange(at, Piece(bytes)); break;
            default: bytes.InsertRange(at, Piece(_seeds[_random.Next(_seeds.Count)])); break;
        }
    }

    private byte[] Piece(IReadOnlyList<byte> of)
    {
        var from = _random.Next(of.Count + 1);
        return [.. of.Skip(from).Take(_random.Next(64))];
    }
}
