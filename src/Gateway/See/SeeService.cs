using System.Threading.Channels;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>
/// Puts every device into the record with its first frame, and what it is as soon as evidence says so. One loop owns all evidence; the packet thread
/// and other parts only add to queues.
/// </summary>
/// <param name="prober">Asks devices; null where nothing may be sent (a capture, a gateway that only watches).</param>
public sealed partial class SeeService(
    HomeRecord record, SightingReader reader, SightingQueue queue, Recogniser recogniser, Prober? prober, ILogger<SeeService> logger)
{
    /// <summary>How long evidence is collected before it is judged again: a burst of messages is one conclusion, one journal line.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a device may go on showing what it is before the owner is asked.</summary>
    public static readonly TimeSpan DoubtAfter = TimeSpan.FromSeconds(45);

    /// <summary>A device's address may change this often; more is a liar's work and waits.</summary>
    public static readonly TimeSpan AddressChangePause = TimeSpan.FromSeconds(10);

    /// <summary>An address another device held is taken over after the holder was silent this long.</summary>
    public static readonly TimeSpan AddressTakeover = TimeSpan.FromMinutes(15);

    /// <summary>Devices asked at the same time.</summary>
    public const int Askers = 4;

    private readonly Dictionary<MacAddress, Device> _devices = [];
    private readonly Channel<ProbeJob> _probes = Channel.CreateBounded<ProbeJob>(256);
    private readonly TimeProvider _time = record.Time;

    /// <summary>Runs until cancelled, or until the reader is complete and all is judged.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changes = record.Subscribe(256);
        try
        {
            List<Task> tasks = [DecodeAsync(stop.Token), JudgeAsync(changes, stop.Token)];
            if (prober is not null) tasks.AddRange([prober.AskEveryoneAsync(stop.Token), .. Enumerable.Range(0, Askers).Select(_ => AskAsync(prober, stop.Token))]);
            await Task.WhenAny(tasks).Unwrap();
            await stop.CancelAsync();
            await Task.WhenAll(tasks);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            record.Unsubscribe(changes);
        }
    }

    private async Task DecodeAsync(CancellationToken cancellationToken)
    {
        await foreach (var greeting in reader.Greetings.ReadAllAsync(cancellationToken))
        {
            Decode(greeting);
            greeting.Return();
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    // One message is one unit of work: a fault of ours in a decoder, found by a device, must not end the service for all others.
    private void Decode(Greeting greeting)
    {
        try
        {
            if (greeting.Read() is { } sighting) queue.Add(sighting);
        }
        catch (Exception fault)
        {
            DecoderFault(logger, fault, greeting.Kind, greeting.Mac);
        }
    }

    private async Task JudgeAsync(ChannelReader<Recorded> changes, CancellationToken cancellationToken)
    {
        using var tick = new PeriodicTimer(Settle, _time);
        var (ticked, heard, changed) = (tick.WaitForNextTickAsync(cancellationToken).AsTask(), queue.Reader.WaitToReadAsync(cancellationToken).AsTask(), changes.WaitToReadAsync(cancellationToken).AsTask());
        while (true)
        {
            await Task.WhenAny(ticked, heard, changed);
            cancellationToken.ThrowIfCancellationRequested();
            while (queue.Reader.TryRead(out var sighting)) await TakeAsync(sighting, cancellationToken);
            while (changes.TryRead(out var recorded)) Take(recorded);
            if (heard.IsCompleted) heard = queue.Reader.WaitToReadAsync(cancellationToken).AsTask();
            if (changed.IsCompleted) changed = changes.WaitToReadAsync(cancellationToken).AsTask();
            if (!ticked.IsCompleted) continue;

            await JudgeAllAsync(cancellationToken);
            ticked = tick.WaitForNextTickAsync(cancellationToken).AsTask();
        }
    }

    private async Task TakeAsync(Sighting sighting, CancellationToken cancellationToken)
    {
        if (!_devices.TryGetValue(sighting.Mac, out var device))
        {
            if (_devices.Count >= SightingReader.MaxDevices || sighting.Mac.IsGroup || sighting.Mac == default) return;
            _devices.Add(sighting.Mac, device = new() { FirstSeen = _time.GetUtcNow(), IsDirty = true });
        }

        if (sighting.Address is not null || sighting.HostName is not null || !device.IsRecorded) await RecordAsync(device, sighting, cancellationToken);
        device.IsDirty |= device.Evidence.Add(sighting);
    }

    private async Task RecordAsync(Device device, Sighting sighting, CancellationToken cancellationToken)
    {
        var address = IsAddressCredible(device, sighting) ? sighting.Address : null;
        if (address is not null && !address.Equals(record.Current.Find(sighting.Mac)?.Address)) device.AddressChanged = _time.GetUtcNow();
        await record.ApplyAsync(new ThingSeen(sighting.Mac, address, sighting.HostName) { At = _time.GetUtcNow() }, cancellationToken);
        if (!device.IsRecorded) DeviceSeen(logger, sighting.Mac);
        device.IsRecorded = true;
        ScheduleFirstQuestion(device);
    }

    // The attack: a Thing that says by ARP it has the laptop's address would take it away from the laptop in the record, and with it what is sent there.
    // A lease decides (the DHCP server tells the record itself); ARP only fills what no lease and no living device holds.
    private bool IsAddressCredible(Device device, Sighting sighting)
    {
        if (sighting.Address is not { } address || sighting.Origin == SightingOrigin.Asked) return false;
        var now = _time.GetUtcNow();
        if (device.AddressChanged is { } changed && now - changed < AddressChangePause) return false;
        return !record.Current.Things.Values.Any(other => other.Mac != sighting.Mac && address.Equals(other.Address) && now - other.LastSeen < AddressTakeover);
    }

    private void ScheduleFirstQuestion(Device device) => device.AskAt ??= _time.GetUtcNow() + ProbeSchedule.First;

    // What an update changes is forgotten when it begins to, and asked anew when it has ended; everything else that is recorded is no evidence.
    private void Take(Recorded recorded)
    {
        if (recorded.Change is not UpdateStepped stepped || !recorded.After.Updates.TryGetValue(stepped.UpdateId, out var update)) return;
        if (update.State < UpdateState.Installing || !_devices.TryGetValue(update.Thing, out var device)) return;
        device.Evidence.ForgetFirmware();
        if (update.HasEnded) device.AskAt = _time.GetUtcNow() + ProbeSchedule.First;
    }

    private async Task JudgeAllAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        foreach (var (mac, device) in _devices)
        {
            if (device.IsDirty || (device.Doubt is not null && !device.IsDoubtAsked && now - device.FirstSeen >= DoubtAfter)) await JudgeAsync(mac, device, now, cancellationToken);
            if (prober is not null && now >= device.AskAt && record.Current.Find(mac)?.Address is { } address) Ask(mac, device, address, now);
        }
    }

    private async Task JudgeAsync(MacAddress mac, Device device, DateTimeOffset now, CancellationToken cancellationToken)
    {
        device.IsDirty = false;
        var known = record.Current.Find(mac);
        if (known is null) return;

        var conclusion = recogniser.Conclude(mac, device.Evidence, known);
        device.Doubt = conclusion.Doubt;
        if (ConclusionDiffers(conclusion, known))
        {
            await record.ApplyAsync(new ThingIdentified(mac, conclusion.Identity, conclusion.Class) { At = now }, cancellationToken);
            DeviceIdentified(logger, mac, conclusion.Identity.Vendor?.Value, conclusion.Identity.Model?.Value, conclusion.Class);
        }

        if (conclusion.Doubt is { } doubt && !known.IsClassChosenByOwner && !device.IsDoubtAsked && now - device.FirstSeen >= DoubtAfter)
        {
            device.IsDoubtAsked = true;
            await record.ApplyAsync(new QuestionAsked(mac, QuestionKind.IsComputer, known.HostName ?? mac.ToString(), [], Hint(doubt, known)) { At = now }, cancellationToken);
        }
    }

    private string Hint(string doubt, Thing known) =>
        known.HostName is { } name && record.Current.Things.Values.Any(other => other.Mac != known.Mac && other.HostName == name && other.Class == DeviceClass.Computer)
            ? $"{doubt} Another device here, which is a computer, has the same name: if you did not bring a second one, say no." : doubt;

    // Words decide, not how sure we are of them: each further sign of the same thing is not worth a journal line.
    private static bool ConclusionDiffers(Conclusion conclusion, Thing known)
    {
        var (now, before) = (conclusion.Identity, known.Identity);
        return (now.Vendor?.Value, now.Model?.Value, now.Firmware?.Value, now.Kind?.Value, now.Pack) != (before.Vendor?.Value, before.Model?.Value, before.Firmware?.Value, before.Kind?.Value, before.Pack)
            || (conclusion.Class != known.Class && !known.IsClassChosenByOwner)
            || now.ClassEvidence.IsEmpty != before.ClassEvidence.IsEmpty;
    }

    private void Ask(MacAddress mac, Device device, System.Net.IPAddress address, DateTimeOffset now)
    {
        var pages = recogniser.PagesWorthReading(mac, device.Evidence).Take(Prober.MaxPages).ToList();
        if (!_probes.Writer.TryWrite(new(mac, address, pages, device.Evidence.At(EvidenceSource.SsdpLocation).FirstOrDefault()))) return;
        device.AskAt = now + ProbeSchedule.After(device.TimesAsked++);
    }

    private async Task AskAsync(Prober asker, CancellationToken cancellationToken)
    {
        await foreach (var job in _probes.Reader.ReadAllAsync(cancellationToken))
        {
            if (await asker.AskAsync(job.Mac, job.Address, job.Pages, job.Location, cancellationToken) is { } answers) queue.Add(answers);
        }
    }

    private sealed record ProbeJob(MacAddress Mac, System.Net.IPAddress Address, IReadOnlyList<string> Pages, string? Location);

    private sealed class Device
    {
        public required DateTimeOffset FirstSeen { get; init; }
        public EvidenceSet Evidence { get; } = new();
        public bool IsRecorded { get; set; }
        public bool IsDirty { get; set; }
        public bool IsDoubtAsked { get; set; }
        public string? Doubt { get; set; }
        public DateTimeOffset? AddressChanged { get; set; }
        public DateTimeOffset? AskAt { get; set; }
        public int TimesAsked { get; set; }
    }
}

/// <summary>When a device is asked: soon, again once its services are up and the first answers say what else to ask, then seldom.</summary>
internal static class ProbeSchedule
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan[] _after = [TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10)];
    private static readonly TimeSpan _later = TimeSpan.FromHours(6);

    public static TimeSpan After(int timesAsked) => timesAsked < _after.Length ? _after[timesAsked] : _later;
}
