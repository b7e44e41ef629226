using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

public sealed partial class WatchEngine
{
    /// <summary>Counts one event towards a rule, and raises the finding where the level passes the limit.</summary>
    private void Count(WatchedThing thing, RuleId id, in Packet packet, double weight = 1)
    {
        var rule = Rule.Of(id);
        var factor = FactorOf(thing, rule);
        if (factor <= 0) return;

        ref var meter = ref thing.Meters[(int)id];
        var limit = rule.Limit * factor;
        meter.Add(_now, weight, rule.Drift * factor, limit * 2);
        var found = thing.CaseOf(id);
        if (meter.Count == 1 && !found.IsOpen) found.Forget();
        found.Keep(packet);
        if (meter.Level < limit) return;

        (found.Since, found.Count, found.Level, found.Limit, found.LastEvidence) = (meter.Since, meter.Count, meter.Level, limit, _now);
        if (!found.IsOpen) Open(thing, rule, found);
        else if (found.Certainty == Certainty.Suspected && IsCertain(thing, rule, found)) MakeCertain(thing, rule, found);
    }

    /// <summary>Takes back what <see cref="Count"/> added: it turned out harmless.</summary>
    private static void Forgive(WatchedThing thing, RuleId id, double weight = 1) => thing.Meters[(int)id].Forgive(weight);

    // Routers and access points speak for devices we do not see: they are judged, with twice the allowance.
    private static double FactorOf(WatchedThing thing, Rule rule) => thing.Class switch
    {
        DeviceClass.Computer => rule.ComputerFactor,
        DeviceClass.Router => 2,
        _ => 1,
    };

    private void Open(WatchedThing thing, Rule rule, Case found)
    {
        found.IsOpen = true;
        thing.OpenCases++;
        found.Certainty = IsCertain(thing, rule, found) ? Certainty.Certain : Certainty.Suspected;
        Report(VerdictKind.Opened, thing, rule, found);

        // Two rules of different kinds are two independent witnesses: then all of them are certain. Never for computers.
        thing.OpenKinds |= WitnessOf(rule.Kind);
        if (thing.Class == DeviceClass.Computer || int.PopCount(thing.OpenKinds) < 2) return;
        for (var i = 0; i < Rule.All.Length; i++)
        {
            if (thing.FindCase(i) is { IsOpen: true, Certainty: Certainty.Suspected } other) MakeCertain(thing, Rule.All[i], other);
        }
    }

    // Scans and floods may be two views of the same packets: together they are one witness.
    private static int WitnessOf(FindingKind kind) => 1 << (int)(kind == FindingKind.Ddos ? FindingKind.Scan : kind);

    // Of a computer nothing is certain: its owner may be doing all that.
    private static bool IsCertain(WatchedThing thing, Rule rule, Case found)
    {
        if (thing.Class == DeviceClass.Computer) return false;
        var lasted = TimeSpan.FromTicks((found.LastEvidence - found.Since) / 100);
        return (found.Count >= rule.CertainCount && lasted >= rule.CertainAfter) || (rule.CertainSlow > TimeSpan.Zero && lasted >= rule.CertainSlow);
    }

    private void MakeCertain(WatchedThing thing, Rule rule, Case found)
    {
        found.Certainty = Certainty.Certain;
        Report(VerdictKind.Updated, thing, rule, found);
    }

    private void Review(WatchedThing thing)
    {
        for (var i = 0; i < Rule.All.Length; i++)
        {
            if (thing.FindCase(i) is { IsOpen: true } open && open.LastEvidence > open.LastReported && _now - open.LastReported > ReportEveryNanoseconds)
                Report(VerdictKind.Updated, thing, Rule.All[i], open);
        }

        EndCases(thing, quietOnly: true);
    }

    private void EndCases(WatchedThing thing, bool quietOnly)
    {
        for (var i = 0; i < Rule.All.Length; i++)
        {
            if (thing.FindCase(i) is not { IsOpen: true } open) continue;
            if (quietOnly && _now - open.LastEvidence < Rule.All[i].Quiet.Ticks * 100) continue;

            thing.OpenCases--;
            Report(VerdictKind.Ended, thing, Rule.All[i], open);
            open.Forget();
        }

        thing.OpenKinds = 0;
        for (var i = 0; i < Rule.All.Length; i++)
        {
            if (thing.FindCase(i) is { IsOpen: true }) thing.OpenKinds |= WitnessOf(Rule.All[i].Kind);
        }
    }

    private void Report(VerdictKind what, WatchedThing thing, Rule rule, Case found)
    {
        found.LastReported = _now;
        if (_verdictCount == MaxVerdicts)
        {
            VerdictsDropped++;
            return;
        }

        _verdicts[(_verdictStart + _verdictCount++) % MaxVerdicts] = new(
            what, thing.Mac, rule.Id, found.Certainty, _now, found.Since, found.Count, found.Level, found.Limit, found.Samples, found.SampleCount);
    }
}
