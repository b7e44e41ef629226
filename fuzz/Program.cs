using System.Globalization;
using Gatehouse.Fuzz;

// gatehouse-fuzz TARGET|all [--seconds N] [--seed S] [--corpus FOLDER]
var target = args.FirstOrDefault(argument => !argument.StartsWith('-')) ?? "";
var seconds = Option("--seconds", 10);
var seed = Option("--seed", Environment.TickCount & int.MaxValue);
var chosen = Targets.All.Where(row => target == "all" || row.Name == target).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine($"usage: gatehouse-fuzz TARGET [--seconds N] [--seed S]\n  TARGET is 'all' or one of: {string.Join(", ", Targets.All.Select(row => row.Name))}");
    return 2;
}

var failures = 0;
foreach (var row in chosen) failures += new Fuzzer(row, seed).Run(TimeSpan.FromSeconds((double)seconds / chosen.Count)) ? 0 : 1;
return failures == 0 ? 0 : 1;

int Option(string name, int fallback) =>
    Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : fallback;
