using Gatehouse.Bench;

// gatehouse-bench NAME: prints a table; every number that has a bound or a peer is printed with the ratio to it, measured in the same run.
return args switch
{
    ["story"] => StoryBench.Run("out/story.json"),
    ["story", var file] => StoryBench.Run(file),
    ["watch"] => WatchBench.Run(),
    ["watch-live"] => LiveBench.Run(),
    ["trust", .. var rest] => await TrustBench.RunAsync(rest),
    _ => Usage(),
};

static int Usage()
{
    System.Console.Error.WriteLine("usage: gatehouse-bench story [FILE] | watch | watch-live | trust … (bench/trust runs all of the latter)");
    return 2;
}
