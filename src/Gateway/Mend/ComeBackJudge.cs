using Gatehouse.Mend.Drivers;

namespace Gatehouse.Mend;

/// <summary>One look at a Thing from outside.</summary>
/// <param name="Version">What it says it runs, or null when it does not answer.</param>
/// <param name="Fault">What is not well, or null.</param>
public sealed record Observation(FirmwareVersion? Version, string? Fault)
{
    public static Observation Silence { get; } = new(null, "it does not answer");
}

/// <summary>What became of an installed image.</summary>
public enum ComeBack
{
    /// <summary>Nothing is sure yet.</summary>
    Waiting,

    /// <summary>The new version answers and is well, and has been for a while.</summary>
    Up,

    /// <summary>The old version answers and is well: it did not take the image, or went back by itself.</summary>
    BackToOld,

    /// <summary>The new version answers but is not well.</summary>
    Unwell,

    /// <summary>It answers with a version nobody asked for.</summary>
    WrongVersion,

    /// <summary>It does not answer.</summary>
    Silent,
}

/// <summary>
/// Judges by looks from outside what became of an image that was handed over. No I/O and no clock: the caller says when it looked.
/// </summary>
/// <remarks>
/// The uploader's own answer plays no part. The old version means nothing before <see cref="DriverPace.ActivationWait"/> is over: a device
/// goes on with it while it writes. And one good answer is not enough: a device may answer once between two restarts.
/// </remarks>
public sealed class ComeBackJudge(DriverPace pace, FirmwareVersion from, FirmwareVersion to)
{
    private (FirmwareVersion? Version, TimeSpan Since) _well;

    /// <summary>True once the Thing was seen not answering.</summary>
    public bool WentAway { get; private set; }

    /// <summary>Takes a look <paramref name="elapsed"/> after the image was handed over.</summary>
    public ComeBack Take(TimeSpan elapsed, Observation look)
    {
        WentAway |= look.Version is null;
        var isSteady = IsSteady(elapsed, look);
        if (isSteady && look.Version == to) return ComeBack.Up;
        if (isSteady && look.Version == from && elapsed >= pace.ActivationWait) return ComeBack.BackToOld;
        return elapsed < pace.RestartWait ? ComeBack.Waiting : AtTheEnd(look);
    }

    private bool IsSteady(TimeSpan elapsed, Observation look)
    {
        if (look.Version is null || look.Fault is not null)
        {
            _well = default;
            return false;
        }

        if (_well.Version != look.Version) _well = (look.Version, elapsed);
        return elapsed - _well.Since >= pace.SteadyWait;
    }

    private ComeBack AtTheEnd(Observation look)
    {
        // The last look may be the first good one after a restart: it gets the time to prove steady.
        if (_well.Version is not null && _well.Since + pace.SteadyWait >= pace.RestartWait && look.Version == to) return ComeBack.Waiting;
        if (look.Version is null) return ComeBack.Silent;
        if (look.Version == to) return ComeBack.Unwell;
        return look.Version == from ? ComeBack.BackToOld : ComeBack.WrongVersion;
    }
}
