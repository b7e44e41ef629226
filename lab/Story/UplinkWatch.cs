using System.Diagnostics;
using System.Globalization;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>Samples how many packets arrive at the Internet provider from this home, every few milliseconds, and says when a flood began and ended there.</summary>
internal sealed class UplinkWatch : IAsyncDisposable
{
    /// <summary>More packets per second than the whole home sends in peace; less than a tenth of the flood.</summary>
    private const double FloodPacketsPerSecond = 1000;

    private readonly List<(long At, long Packets)> _samples = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly RunningProgram _holder;
    private readonly Task _loop;

    public UplinkWatch(string folder)
    {
        // A process that stands in the provider's namespace: its /proc/PID/net shows the counters there.
        _holder = RunningProgram.Start(Path.Combine(folder, "uplink.log"), null, "ip", "netns", "exec", Topology.Isp, "sleep", "600");
        _loop = SampleAsync(_stop.Token);
    }

    /// <summary>When the flood was first seen on the wire after <paramref name="since"/>, and when it was last seen; null when it never was.</summary>
    public (long Began, long Ended)? FloodSince(long since)
    {
        lock (_samples)
        {
            long? began = null, ended = null;
            for (var index = 3; index < _samples.Count; index++)
            {
                var (before, now) = (_samples[index - 3], _samples[index]);
                if (before.At < since) continue;
                if ((now.Packets - before.Packets) / Stopwatch.GetElapsedTime(before.At, now.At).TotalSeconds < FloodPacketsPerSecond) continue;
                began ??= before.At;
                ended = now.At;
            }

            return began is null ? null : (began.Value, ended!.Value);
        }
    }

    private async Task SampleAsync(CancellationToken cancellationToken)
    {
        var file = $"/proc/{_holder.Id}/net/dev";
        try
        {
            while (true)
            {
                var line = File.ReadLines(file).FirstOrDefault(line => line.TrimStart().StartsWith("home0:", StringComparison.Ordinal));
                if (line is not null)
                {
                    var packets = long.Parse(line.Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
                    lock (_samples) _samples.Add((Stopwatch.GetTimestamp(), packets));
                }

                await Task.Delay(20, cancellationToken);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or IOException)
        {
            // The end.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await _holder.DisposeAsync();
        _stop.Dispose();
    }
}
