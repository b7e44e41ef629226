using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

public sealed class RecogniserTests : IDisposable
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-recogniser-").FullName;
    private readonly Recogniser _recogniser;

    public RecogniserTests()
    {
        File.WriteAllText(Path.Combine(_folder, "dvr.json"), """
            { "pack": "anvil/dvr4", "vendor": "Anvil", "model": "anvil-dvr4", "kind": "recorder", "recognise": [
                { "source": "DHCP option 60", "contains": "anvil-dvr4", "weight": 0.6 },
                { "source": "HTTP body /version", "matches": "^(?<version>[0-9]+[.][0-9]+[.][0-9]+)$", "weight": 0.1 } ] }
            """);
        _recogniser = new(PackLibrary.Load([_folder]), MacVendors.BuiltIn);
    }

    [Fact]
    public void A_pack_names_the_model_and_each_claim_its_evidence()
    {
        var evidence = Evidence((EvidenceSource.DhcpVendorClass, "anvil-dvr4"), (EvidenceSource.DhcpHostName, "recorder"));
        evidence.Add(Asked((EvidenceSource.Body("/version"), "1.4.2")));

        var conclusion = _recogniser.Conclude(Mac(1), evidence, null);

        Assert.Equal(("Anvil", "anvil-dvr4", "recorder", "1.4.2", "anvil/dvr4"), Words(conclusion));
        Assert.Equal(DeviceClass.Thing, conclusion.Class);
        Assert.Contains(new("DHCP option 60", "anvil-dvr4"), conclusion.Identity.Model!.Evidence);
        Assert.Equal([new("HTTP body /version", "1.4.2")], conclusion.Identity.Firmware!.Evidence);
        Assert.InRange(conclusion.Identity.Model.Confidence, 0.63, 0.65);
    }

    [Fact]
    public void A_version_read_anew_replaces_the_one_before_the_update()
    {
        var evidence = Evidence((EvidenceSource.DhcpVendorClass, "anvil-dvr4"));
        evidence.Add(Asked((EvidenceSource.Body("/version"), "1.4.2")));
        evidence.Add(Asked((EvidenceSource.Body("/version"), "1.5.0")));

        Assert.Equal("1.5.0", _recogniser.Conclude(Mac(1), evidence, null).Identity.Firmware?.Value);
    }

    [Fact]
    public void Of_two_versions_heard_the_later_is_true_also_after_a_roll_back()
    {
        var packs = PackLibrary.Load([Path.Combine(Architecture.Sources.Root, "packs")]);
        var recogniser = new Recogniser(packs, MacVendors.BuiltIn);
        var evidence = Evidence((EvidenceSource.HttpServer, "Tasmota/14.2.0 (ESP8266EX)"));

        Assert.Equal("14.2.0", recogniser.Conclude(Mac(1), evidence, null).Identity.Firmware?.Value);
        Assert.True(evidence.Add(Heard(EvidenceSource.HttpServer, "Tasmota/14.3.0 (ESP8266EX)")));
        Assert.Equal("14.3.0", recogniser.Conclude(Mac(1), evidence, null).Identity.Firmware?.Value);
        Assert.True(evidence.Add(Heard(EvidenceSource.HttpServer, "Tasmota/14.2.0 (ESP8266EX)")));
        Assert.Equal("14.2.0", recogniser.Conclude(Mac(1), evidence, null).Identity.Firmware?.Value);
    }

    [Fact]
    public void While_firmware_changes_the_old_answers_are_forgotten_and_the_record_stands()
    {
        var evidence = Evidence((EvidenceSource.DhcpVendorClass, "anvil-dvr4"));
        evidence.Add(Asked((EvidenceSource.Body("/version"), "1.4.2")));
        var known = new Thing { Mac = Mac(1), FirstSeen = Start, LastSeen = Start, Identity = new() { Pack = "anvil/dvr4", Firmware = new("1.5.0", 1, []) } };

        evidence.ForgetFirmware();

        Assert.Equal("1.5.0", _recogniser.Conclude(Mac(1), evidence, known).Identity.Firmware?.Value);
        Assert.Equal("anvil-dvr4", _recogniser.Conclude(Mac(1), evidence, known).Identity.Model?.Value);
    }

    [Fact]
    public void Only_pages_of_packs_that_fit_a_little_are_worth_reading()
    {
        Assert.Equal(["/version"], _recogniser.PagesWorthReading(Mac(1), Evidence((EvidenceSource.DhcpVendorClass, "anvil-dvr4"))));
        Assert.Empty(_recogniser.PagesWorthReading(Mac(1), Evidence((EvidenceSource.DhcpVendorClass, "MSFT 5.0"))));
    }

    [Fact]
    public void What_nothing_supports_stays_unknown()
    {
        var conclusion = _recogniser.Conclude(Mac(1), Evidence(), null);

        Assert.Equal((null, null, null, null, null), Words(conclusion));
        Assert.Equal(DeviceClass.Thing, conclusion.Class);
    }

    [Fact]
    public void A_restart_forgets_evidence_but_not_what_was_found()
    {
        var known = new Thing { Mac = Mac(1), FirstSeen = Start, LastSeen = Start };
        var before = _recogniser.Conclude(Mac(1), Evidence((EvidenceSource.DhcpVendorClass, "anvil-dvr4")), known);

        var after = _recogniser.Conclude(Mac(1), Evidence(), known with { Identity = before.Identity });

        Assert.Equal(Words(before), Words(after));
    }

    public static TheoryData<string, string, string, string?, string?> Common => new()
    {
        { "printer", EvidenceSource.MdnsService, "_ipp._tcp", "printer", null },
        { "HomeKit lamp", "mDNS TXT ci", "5", "lamp", null },
        { "Hue bridge", EvidenceSource.MdnsService, "_hue._tcp", "hub", "Philips Hue" },
        { "router", EvidenceSource.SsdpType, "urn:schemas-upnp-org:device:InternetGatewayDevice:1", "router", null },
        { "maker by UPnP", EvidenceSource.UpnpManufacturer, "Belkin International Inc.", null, "Belkin International Inc." },
    };

    [Theory, MemberData(nameof(Common))]
    public void Without_a_pack_the_standards_own_signs_serve(string why, string source, string text, string? kind, string? vendor)
    {
        Assert.True(EvidenceSource.TryParse(source, out var parsed));
        var evidence = new EvidenceSet();
        evidence.Add(Sighting.Of(Mac(1), Start, [new(parsed, text)]));

        var identity = _recogniser.Conclude(Mac(1), evidence, null).Identity;

        Assert.True((kind, vendor) == (identity.Kind?.Value, identity.Vendor?.Value), why);
    }

    [Theory]
    [InlineData("hs*", "HS110(EU)", true)]
    [InlineData("k[lps]*", "KP115", true)]
    [InlineData("k[lps]*", "KX115", false)]
    [InlineData("*cam*", "my-camera", true)]
    [InlineData("tado", "tado", true)]
    [InlineData("tado", "tado1", false)]
    [InlineData("*", "", true)]
    [InlineData("a[", "a[", true)]
    public void Discovery_patterns_are_stars_and_choices(string pattern, string text, bool fits) => Assert.Equal(fits, DiscoveryTable.Fits(pattern, text));

    [Fact]
    public void What_Home_Assistant_knows_names_the_maker_and_speaks_for_a_Thing()
    {
        var home = new SeededHome(1);
        var evidence = home.Laptop();
        evidence.Add(Sighting.Of(home.LaptopMac, Start, [new(EvidenceSource.Of(EvidenceSource.MdnsService), "_hwenergy._tcp")]));

        var conclusion = _recogniser.Conclude(home.LaptopMac, evidence, null);

        Assert.Equal("HomeWizard Energy", conclusion.Identity.Vendor?.Value);
        Assert.Equal(DeviceClass.Thing, conclusion.Class);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void A_laptop_is_a_computer_and_a_Thing_that_describes_itself_alike_is_not(int seed)
    {
        var home = new SeededHome(seed);

        var laptop = _recogniser.Conclude(home.LaptopMac, home.Laptop(), null);
        var impostor = _recogniser.Conclude(home.ImpostorMac, home.Impostor(), null);

        Assert.True(laptop.Class == DeviceClass.Computer, home.ToString());
        Assert.Contains(laptop.Identity.Kind?.Value, (string[])["computer", "phone"]);
        Assert.NotEmpty(laptop.Identity.ClassEvidence);
        Assert.True(impostor.Class == DeviceClass.Thing, home.ToString());
    }

    [Theory, MemberData(nameof(Seeds))]
    public void An_impostor_with_an_address_of_a_computer_maker_and_closed_ports_stays_a_Thing_and_becomes_a_question(int seed)
    {
        var home = new SeededHome(seed);
        var evidence = home.Impostor();
        evidence.Add(Asked());

        var conclusion = _recogniser.Conclude(home.IntelMac, evidence, null);

        Assert.Equal(DeviceClass.Thing, conclusion.Class);
        Assert.NotNull(conclusion.Doubt);
    }

    [Fact]
    public void An_impostor_that_also_asks_its_cloud_over_and_over_stays_a_Thing()
    {
        var home = new SeededHome(1);
        var evidence = home.Impostor();
        for (var i = 0; i < 1000; i++) evidence.Add(Sighting.FromDnsQuery(home.ImpostorMac, $"host{i}.cloud.example", Start.AddSeconds(i)));
        evidence.Add(Asked());

        Assert.Equal(DeviceClass.Thing, _recogniser.Conclude(home.IntelMac, evidence, null).Class);
    }

    public static TheoryData<string, string, string> Contradictions => new()
    {
        { "telnet is open", EvidenceSource.OpenPort, "23" },
        { "it serves video", EvidenceSource.OpenPort, "554" },
        { "it offers a device's service", EvidenceSource.MdnsService, "_hap._tcp" },
        { "it calls itself a UPnP device", EvidenceSource.SsdpType, "urn:Belkin:device:controllee:1" },
        { "its DHCP client is a device's", EvidenceSource.DhcpVendorClass, "udhcp 1.36.1" },
        { "it names its MUD file", EvidenceSource.DhcpMudUrl, "https://maker.example/mud.json" },
    };

    [Theory, MemberData(nameof(Contradictions))]
    public void One_sign_that_only_a_Thing_gives_outweighs_everything(string why, string place, string text)
    {
        var home = new SeededHome(1);
        var evidence = home.Laptop();
        evidence.Add(Sighting.FromOwnerSignIn(home.LaptopMac, Start));
        evidence.Add(Sighting.Of(home.LaptopMac, Start, [new(EvidenceSource.Of(place), text)]));

        Assert.True(_recogniser.Conclude(home.LaptopMac, evidence, null).Class == DeviceClass.Thing, why);
    }

    [Fact]
    public void A_pack_that_fits_outweighs_everything()
    {
        var home = new SeededHome(1);
        var evidence = home.Laptop();
        evidence.Add(Sighting.Of(home.LaptopMac, Start, [new(EvidenceSource.Of(EvidenceSource.DhcpVendorClass), "anvil-dvr4")]));

        Assert.Equal(DeviceClass.Thing, _recogniser.Conclude(home.LaptopMac, evidence, null).Class);
    }

    [Fact]
    public void Signing_in_counts_as_much_as_behaviour_but_not_alone()
    {
        var evidence = Evidence();
        evidence.Add(Sighting.FromOwnerSignIn(Mac(1), Start));

        Assert.Equal(DeviceClass.Thing, _recogniser.Conclude(Mac(1), evidence, null).Class);
        evidence.Add(Asked());
        Assert.Equal(DeviceClass.Computer, _recogniser.Conclude(Mac(1), evidence, null).Class);
    }

    [Fact]
    public void A_computer_stays_one_over_a_restart_until_something_speaks_against_it()
    {
        var known = new Thing { Mac = Mac(1), FirstSeen = Start, LastSeen = Start, Class = DeviceClass.Computer };

        Assert.Equal(DeviceClass.Computer, _recogniser.Conclude(Mac(1), Evidence(), known).Class);
        Assert.Equal(DeviceClass.Thing, _recogniser.Conclude(Mac(1), Evidence((EvidenceSource.OpenPort, "23")), known).Class);
    }

    [Fact]
    public void Evidence_is_bounded_whatever_a_device_says()
    {
        var evidence = new EvidenceSet();
        for (var i = 0; i < 20_000; i++)
        {
            evidence.Add(Sighting.FromDnsQuery(Mac(1), $"a{i}.example", Start.AddSeconds(i)));
            evidence.Add(Sighting.Of(Mac(1), Start.AddSeconds(i), [new(EvidenceSource.Txt($"k{i}"), "v"), new(EvidenceSource.Of(EvidenceSource.MdnsInstance), $"i{i}")]));
        }

        Assert.InRange(evidence.Count, 1, EvidenceSet.MaxSources + EvidenceSet.MaxNames + EvidenceSet.MaxPerSource);
        Assert.Equal(EvidenceSet.MaxNames, evidence.At(EvidenceSource.DnsName).Count());
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("two\r\nlines\there", "two lines here")]
    [InlineData("bell\u0007", "bell\\u0007")]
    [InlineData("gpj.\u202Eexe", "gpj.\\u202eexe")]
    [InlineData("Küche", "Küche")]
    public void A_devices_text_is_made_harmless(string text, string clean) => Assert.Equal(clean, EvidenceText.Clean(text));

    [Fact]
    public void A_devices_text_is_cut() =>
        Assert.Equal((EvidenceText.MaxShown, true), (EvidenceText.Shown(new string('a', 5000)).Length, EvidenceText.Clean(new string('\u0001', 5000)).Length <= EvidenceText.MaxLength));

    public static TheoryData<int> Seeds => [1, 2, 3, 20_161_021, int.MaxValue];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static MacAddress Mac(byte last) => new(0x0200_0000_0000UL + last);

    private static EvidenceSet Evidence(params (string Place, string Text)[] seen)
    {
        var evidence = new EvidenceSet();
        evidence.Add(Sighting.Of(Mac(1), Start, [.. seen.Select(item => new Observation(EvidenceSource.Of(item.Place), item.Text))]));
        return evidence;
    }

    private static Sighting Asked(params (EvidenceSource Source, string Text)[] answers) =>
        Sighting.Of(Mac(1), Start, [.. answers.Select(item => new Observation(item.Source, item.Text))]) with { Origin = SightingOrigin.Asked };

    private static Sighting Heard(string place, string text) => Sighting.Of(Mac(1), Start, [new(EvidenceSource.Of(place), text)]);

    private static (string?, string?, string?, string?, string?) Words(Conclusion conclusion) =>
        (conclusion.Identity.Vendor?.Value, conclusion.Identity.Model?.Value, conclusion.Identity.Kind?.Value, conclusion.Identity.Firmware?.Value, conclusion.Identity.Pack);

    /// <summary>A laptop and a Thing that copies all it says of itself, with names and addresses of a seed.</summary>
    private sealed class SeededHome
    {
        private readonly int _seed;
        private readonly string _name;
        private readonly string _vendorClass;
        private readonly ImmutableArray<string> _sites;

        public SeededHome(int seed)
        {
            _seed = seed;
            var random = new Random(seed);
            _name = $"{(random.Next(2) == 0 ? "DESKTOP" : "LAPTOP")}-{random.Next():X8}";
            _vendorClass = random.Next(2) == 0 ? "MSFT 5.0" : $"android-dhcp-{random.Next(9, 16)}";
            _sites = [.. Enumerable.Range(0, 12).Select(_ => $"www.site{random.Next()}.example{random.Next(100)}")];
            LaptopMac = new((ulong)random.NextInt64(1L << 40) | 0x0200_0000_0000);
            ImpostorMac = new((ulong)random.NextInt64(1L << 40) | 0x0200_0000_0000);
            IntelMac = new(0x0002_B300_0000UL | (ulong)random.NextInt64(1L << 24));
        }

        public MacAddress LaptopMac { get; }
        public MacAddress ImpostorMac { get; }
        public MacAddress IntelMac { get; }

        public EvidenceSet Laptop()
        {
            var evidence = Described(LaptopMac);
            evidence.Add(Sighting.FromDnsQuery(LaptopMac, "www.msftconnecttest.com", Start));
            foreach (var site in _sites) evidence.Add(Sighting.FromDnsQuery(LaptopMac, site, Start));
            evidence.Add(Asked());
            return evidence;
        }

        public EvidenceSet Impostor()
        {
            var evidence = Described(ImpostorMac);
            evidence.Add(Sighting.FromDnsQuery(ImpostorMac, "cloud.example", Start));
            return evidence;
        }

        public override string ToString() => $"seed {_seed}: {_name}, {_vendorClass}, {LaptopMac}, {ImpostorMac}";

        // Through real messages: what is copied is copied byte by byte.
        private EvidenceSet Described(MacAddress mac)
        {
            var evidence = new EvidenceSet();
            var reader = new SightingReader(null, []);
            reader.Take(Frames.Frame(Frames.DhcpFrame(mac, _name, _vendorClass, [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252]), 1));
            while (reader.Greetings.TryRead(out var greeting))
            {
                if (greeting.Read() is { } sighting) evidence.Add(sighting);
                greeting.Return();
            }

            Assert.Equal(_vendorClass, Assert.Single(evidence.At(EvidenceSource.DhcpVendorClass)));
            return evidence;
        }
    }
}
