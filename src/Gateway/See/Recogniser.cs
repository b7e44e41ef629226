using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>What the evidence says.</summary>
/// <param name="Doubt">Why it may be a computer although it is taken for a Thing, in one sentence for the owner; null when there is no doubt.</param>
public sealed record Conclusion(Identity Identity, DeviceClass Class, string? Doubt);

/// <summary>Turns evidence into an identity. Pure: the same evidence gives the same conclusion; every claim names what it rests on; what nothing supports stays null.</summary>
public sealed class Recogniser(PackLibrary packs, MacVendors vendors)
{
    /// <summary>How sure a pack must be to be taken; below it, its signs may be anybody's.</summary>
    public const double PackThreshold = 0.5;

    /// <summary>How sure a prefix makes of a vendor: the maker of the module is often not the maker of the device.</summary>
    private const double OuiWeight = 0.4;

    /// <summary>The holder of the address's prefix, or null.</summary>
    public string? VendorOf(MacAddress mac) => vendors.Find(mac);

    /// <param name="known">What the record says of the device, or null: what was known stays where nothing newer is said (evidence is not kept over a restart).</param>
    public Conclusion Conclude(MacAddress mac, EvidenceSet evidence, Thing? known)
    {
        var vendor = vendors.Find(mac);
        var match = BestPack(evidence, vendor);
        var announced = DiscoveryTable.BuiltIn.Find(mac, evidence);
        var signs = ComputerTest.Judge(evidence, vendor, match?.Evidence ?? announced?.Evidence ?? []);
        var @class = ClassOf(signs, match?.Pack, known);
        var identity = match is not null ? OfPack(match) : OfSigns(evidence, vendor, announced, @class, signs);
        return new(Merge(identity with { ClassEvidence = signs.Shown }, known), @class, signs.IsInDoubt && @class == DeviceClass.Thing ? DoubtOf(signs) : null);
    }

    /// <summary>Pages whose text would tell packs that already fit a little, or that fit and read their version there, more: the only ones worth asking a device for.</summary>
    public IEnumerable<string> PagesWorthReading(MacAddress mac, EvidenceSet evidence)
    {
        var vendor = vendors.Find(mac);
        return (from pack in packs.Packs
                where pack.Recognise.Any(rule => rule.Source.Place == EvidenceSource.HttpBody) && Match(pack, evidence, vendor) is { Confidence: > 0 }
                from rule in pack.Recognise
                where rule.Source.Place == EvidenceSource.HttpBody
                select rule.Source.Key!).Distinct();
    }

    private static DeviceClass ClassOf(ComputerSigns signs, Pack? pack, Thing? known)
    {
        if (pack is not null) return pack.Class;
        if (signs.IsComputer) return DeviceClass.Computer;

        // Evidence begins anew when the gateway restarts. A computer stays one until something speaks against it, else every restart would shut the family out.
        return known is { Class: DeviceClass.Computer } && signs.Against.IsEmpty ? DeviceClass.Computer : known is { Class: DeviceClass.Router } ? DeviceClass.Router : DeviceClass.Thing;
    }

    private static string DoubtOf(ComputerSigns signs) => signs switch
    {
        { Behaviour.IsEmpty: true, Owner.IsEmpty: true } => "It says it is a computer, but does nothing that only a computer does. A name can be copied.",
        _ => "It does some of what a computer does, but not enough to be sure.",
    };

    private sealed record PackMatch(Pack Pack, double Confidence, ImmutableArray<Evidence> Evidence, Claim? Firmware, string? Model);

    private PackMatch? BestPack(EvidenceSet evidence, string? vendor) =>
        packs.Packs.Select(pack => Match(pack, evidence, vendor)).OfType<PackMatch>().Where(match => match.Confidence >= PackThreshold).MaxBy(match => match.Confidence);

    // Signs are taken as independent: two of 0.6 make 0.84. One sign counts once however often it is seen.
    private static PackMatch? Match(Pack pack, EvidenceSet evidence, string? vendor)
    {
        var doubt = 1.0;
        var found = ImmutableArray.CreateBuilder<Evidence>();
        (Claim? Claim, string? Model) taken = (null, null);
        foreach (var rule in pack.Recognise)
        {
            var texts = rule.Source.Place == EvidenceSource.Oui ? vendor is null ? [] : [vendor] : evidence.At(rule.Source);
            foreach (var text in texts)
            {
                if (!rule.Fits(text, out var captured)) continue;
                var sign = new Evidence(rule.Source.ToString(), EvidenceText.Shown(text));
                found.Add(sign);
                doubt *= 1 - rule.Weight;
                if (captured.Version is { } version && !(taken.Claim?.Confidence > rule.Weight)) taken.Claim = new(EvidenceText.Shown(version), rule.Weight, [sign]);
                taken.Model ??= captured.Model;
                break;
            }
        }

        return found.Count == 0 ? null : new(pack, 1 - doubt, found.ToImmutable(), taken.Claim, taken.Model);
    }

    private static Identity OfPack(PackMatch match) => new()
    {
        Pack = match.Pack.Id,
        Vendor = new(match.Pack.Vendor, match.Confidence, match.Evidence),
        Kind = new(match.Pack.Kind, match.Confidence, match.Evidence),
        Model = (match.Pack.Model ?? match.Model) is { } model ? new(EvidenceText.Shown(model), match.Confidence, match.Evidence) : null,
        Firmware = match.Firmware,
    };

    private static Identity OfSigns(EvidenceSet evidence, string? vendor, Claim? announced, DeviceClass @class, ComputerSigns signs)
    {
        var fitting = (from sign in CommonSigns.Table
                       from text in evidence.At(sign.Source).Where(sign.Fits).Take(1)
                       select (Sign: sign, Evidence: new Evidence(sign.Source.ToString(), EvidenceText.Shown(text)))).ToList();
        return new()
        {
            Vendor = Stated(CommonSigns.VendorTexts, evidence) ?? Best(fitting, sign => sign.Vendor) ?? announced ?? (vendor is null ? null : new(vendor, OuiWeight, [new(EvidenceSource.Oui, vendor)])),
            Model = Stated(CommonSigns.ModelTexts, evidence),
            Firmware = Stated(CommonSigns.FirmwareTexts, evidence),
            Kind = @class == DeviceClass.Computer ? new(IsPhone(evidence) ? "phone" : "computer", 0.9, signs.Shown) : Best(fitting, sign => sign.Kind),
        };
    }

    // Only for the owner to read: a phone is let out like any computer.
    private static bool IsPhone(EvidenceSet evidence) =>
        evidence.At(EvidenceSource.DhcpVendorClass).Any(text => text.StartsWith("android-dhcp", StringComparison.OrdinalIgnoreCase))
        || evidence.At(EvidenceSource.HttpUserAgent).Any(text => text.Contains("iPhone", StringComparison.Ordinal) || text.Contains("Android", StringComparison.Ordinal))
        || evidence.At(EvidenceSource.DhcpHostName).Any(text => text.Contains("iPhone", StringComparison.OrdinalIgnoreCase));

    private static Claim? Stated(ImmutableArray<(EvidenceSource Source, double Weight)> sources, EvidenceSet evidence)
    {
        foreach (var (source, weight) in sources)
        {
            if (evidence.At(source).FirstOrDefault() is { } text) return new(EvidenceText.Shown(text), weight, [new(source.ToString(), EvidenceText.Shown(text))]);
        }

        return null;
    }

    private static Claim? Best(List<(CommonSign Sign, Evidence Evidence)> fitting, Func<CommonSign, string?> claim) =>
        (from item in fitting
         where claim(item.Sign) is not null
         group item by claim(item.Sign)! into same
         select new Claim(same.Key, 1 - same.Aggregate(1.0, (doubt, item) => doubt * (1 - item.Sign.Weight)), [.. same.Select(item => item.Evidence)]))
        .MaxBy(candidate => candidate.Confidence);

    // What was found out before a restart stands until something at least as sure replaces it.
    private static Identity Merge(Identity now, Thing? known)
    {
        if (known?.Identity is not { } before || (now.Pack is not null && now.Pack == before.Pack && now.Firmware is not null)) return now;
        if (now.Pack is not null && now.Pack != before.Pack) return now;
        return now with
        {
            Pack = now.Pack ?? before.Pack,
            Vendor = Surer(now.Vendor, before.Vendor),
            Model = Surer(now.Model, before.Model),
            Kind = Surer(now.Kind, before.Kind),
            Firmware = now.Firmware ?? before.Firmware,
        };
    }

    private static Claim? Surer(Claim? now, Claim? before) => now is null || before?.Confidence > now.Confidence ? before : now;
}
