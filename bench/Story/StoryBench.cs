using System.Globalization;
using System.Text.Json;

namespace Gatehouse.Bench;

/// <summary>What the playings of the story measured (<c>./run --story</c> and <c>./test</c> add a line each to <c>out/story.json</c>), beside what is aimed at.</summary>
internal static class StoryBench
{
    /// <summary>Most of each that is aimed at, in the unit its name says.</summary>
    private static readonly (string Measure, double Most)[] _aims =
    [
        ("native gateway with its libraries, MB", 25),
        ("peak memory (VmHWM), MB", 60),
        ("start to the first rule in the kernel, ms", 150),
        ("first frame to fenced, ms (slowest device)", 100),
        ("flood start to throttled, s", 1),
    ];

    public static int Run(string file)
    {
        if (!File.Exists(file))
        {
            System.Console.Error.WriteLine($"{file} is not there: './run --story' writes it.");
            return 2;
        }

        foreach (var line in File.ReadLines(file).Where(line => line.Length > 0).TakeLast(5)) Print(line);
        return 0;
    }

    private static void Print(string line)
    {
        using var played = JsonDocument.Parse(line);
        var root = played.RootElement;
        System.Console.WriteLine($"{root.GetProperty("at").GetString()}, seed {root.GetProperty("seed")}, {(root.GetProperty("held").GetBoolean() ? "held" : $"red at step {root.GetProperty("step")}")}");
        foreach (var measure in root.GetProperty("measures").EnumerateObject())
        {
            var value = measure.Value.GetDouble();
            var aim = Array.Find(_aims, aim => aim.Measure == measure.Name);
            var beside = aim.Measure is null ? "" : string.Create(CultureInfo.InvariantCulture, $"   {value / aim.Most:0.00} of the aim ({aim.Most})");
            System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {measure.Name,-46} {value,12:0.##}{beside}"));
        }
    }
}
