using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Gatehouse.Fence.Names;
using Gatehouse.Home;

namespace Gatehouse.Fence.Addresses;

/// <summary>
/// Gives the LAN its addresses: keeps dnsmasq running (DHCP only, no DNS) and tells the fence and the record what it leased. An address
/// belongs to whom it was leased, whatever another device claims.
/// </summary>
public sealed partial class DhcpServer
{
    /// <summary>The first host number given out; those below are for the owner's own fixed addresses.</summary>
    public const int FirstHost = 20;

    /// <summary>Leases at once.</summary>
    public const int MaxLeases = 1000;

    private static readonly TimeSpan _leaseTime = TimeSpan.FromHours(12);
    private static readonly TimeSpan _checkAtLeastEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(30);

    private readonly HomeRecord _record;
    private readonly FenceService _fence;
    private readonly GatewayNetwork _network;
    private readonly string _stateFolder;
    private readonly string _runFolder;
    private readonly ILogger<DhcpServer> _logger;
    private string _lastText = "";
    private ImmutableDictionary<IPAddress, Lease> _known = ImmutableDictionary<IPAddress, Lease>.Empty;

    /// <param name="stateFolder">Where the leases are kept across restarts.</param>
    /// <param name="runFolder">Where dnsmasq's process id is.</param>
    public DhcpServer(HomeRecord record, FenceService fence, GatewayNetwork network, string stateFolder, string runFolder, ILogger<DhcpServer> logger) =>
        (_record, _fence, _network, _stateFolder, _runFolder, _logger) = (record, fence, network, stateFolder, runFolder, logger);

    private string LeaseFile => Path.Combine(_stateFolder, "dhcp.leases");

    private string ProcessFile => Path.Combine(_runFolder, "dnsmasq.pid");

    /// <summary>Leases that have not ended.</summary>
    public ImmutableArray<Lease> Current => [.. Volatile.Read(ref _known).Values];

    /// <summary>Reads the leases of the last run, so that the fence knows them before it goes up.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken) => await ReadLeasesAsync(cancellationToken);

    /// <summary>Serves until cancelled; dnsmasq ends with it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_stateFolder);
        Directory.CreateDirectory(_runFolder);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = FollowLeasesAsync(stop.Token);
        try
        {
            await KeepRunningAsync(stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>dnsmasq's arguments: all of them ours, none from a device.</summary>
    internal string[] Arguments()
    {
        var (first, last) = Pool(_network);
        List<string> arguments =
        [
            "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--log-facility=-", "--no-ping", "--dhcp-authoritative",
            $"--interface={_network.Lan}", "--except-interface=lo", "--bind-dynamic",
            $"--dhcp-range={first},{last},{Mask(_network.LanPrefix.PrefixLength)},{(int)_leaseTime.TotalSeconds}",
            $"--dhcp-option=option:router,{_network.LanAddress}", $"--dhcp-option=option:dns-server,{_network.LanAddress}",
            $"--dhcp-option=option:ntp-server,{_network.LanAddress}", $"--domain={LocalNames.Zone}",
            $"--dhcp-lease-max={MaxLeases}", $"--dhcp-leasefile={LeaseFile}", $"--pid-file={ProcessFile}",
        ];

        // In a user namespace with one id there is nobody else to become.
        if (!CanChangeUser()) arguments.AddRange(["--user=root", "--group=root"]);
        return [.. arguments];
    }

    /// <summary>The addresses given out: the prefix from <see cref="FirstHost"/> on, without the gateway's own and the broadcast address.</summary>
    internal static (IPAddress First, IPAddress Last) Pool(GatewayNetwork network)
    {
        var size = 1L << 32 - network.LanPrefix.PrefixLength;
        var start = BinaryPrimitives.ReadUInt32BigEndian(network.LanPrefix.BaseAddress.GetAddressBytes());
        var first = size > 4 * FirstHost ? FirstHost : 1;
        return (Address(start + first), Address(start + Math.Min(size - 2, first + MaxLeases - 1)));

        static IPAddress Address(long number)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)number);
            return new IPAddress(bytes);
        }
    }

    private static IPAddress Mask(int length)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(0xFFFF_FFFFL << 32 - length & 0xFFFF_FFFFL));
        return new IPAddress(bytes);
    }

    private static bool CanChangeUser()
    {
        const int Nobody = 65534;
        foreach (var line in File.ReadAllLines("/proc/self/uid_map"))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 3 && long.TryParse(fields[0], out var from) && long.TryParse(fields[2], out var count) && from <= Nobody && Nobody < from + count) return true;
        }

        return false;
    }

    private async Task KeepRunningAsync(CancellationToken cancellationToken)
    {
        var wait = TimeSpan.FromSeconds(0.5);
        while (!cancellationToken.IsCancellationRequested)
        {
            EndLeftover();
            var begun = Stopwatch.GetTimestamp();
            var error = await RunOnceAsync(cancellationToken);
            if (cancellationToken.IsCancellationRequested) return;

            LogEnded(_logger, error);
            wait = Stopwatch.GetElapsedTime(begun) > TimeSpan.FromMinutes(1) ? TimeSpan.FromSeconds(0.5) : wait * 2 < _longestWait ? wait * 2 : _longestWait;
            await Task.Delay(wait, _record.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> RunOnceAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dnsmasq") { RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in Arguments()) start.ArgumentList.Add(argument);
        using var dnsmasq = Process.Start(start) ?? throw new IOException("dnsmasq did not start.");
        LogStarted(_logger, dnsmasq.Id);
        var said = LastLineAsync(dnsmasq.StandardError);
        try
        {
            await dnsmasq.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            dnsmasq.Kill();
            await dnsmasq.WaitForExitAsync(CancellationToken.None);
        }

        return await said;
    }

    // dnsmasq logs every lease; only its last words, should it die, are of interest.
    private static async Task<string> LastLineAsync(StreamReader error)
    {
        var last = "";
        while (await error.ReadLineAsync(CancellationToken.None) is { } line) last = line.Length <= 300 ? line : line[..300];
        return last;
    }

    // Killed without a chance to end its child, the gateway leaves a dnsmasq behind that holds the port.
    private void EndLeftover()
    {
        if (!File.Exists(ProcessFile) || !int.TryParse(File.ReadAllText(ProcessFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return;
        try
        {
            if (!File.ReadAllText($"/proc/{id}/cmdline").Contains($"--pid-file={ProcessFile}\0", StringComparison.Ordinal)) return;
            using var leftover = Process.GetProcessById(id);
            leftover.Kill();
            leftover.WaitForExit(TimeSpan.FromSeconds(2));
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
        {
            // It is gone already.
        }
    }

    private async Task FollowLeasesAsync(CancellationToken cancellationToken)
    {
        using var changed = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(_stateFolder, Path.GetFileName(LeaseFile)) { NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName };
        watcher.Changed += (_, _) => changed.Release();
        watcher.Created += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        while (!cancellationToken.IsCancellationRequested)
        {
            await ReadLeasesAsync(cancellationToken);
            await changed.WaitAsync(_checkAtLeastEvery, cancellationToken);
            while (changed.Wait(0, CancellationToken.None))
            {
            }
        }
    }

    private async Task ReadLeasesAsync(CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = File.Exists(LeaseFile) ? await File.ReadAllTextAsync(LeaseFile, cancellationToken) : "";
        }
        catch (IOException)
        {
            return;
        }

        var now = _record.Time.GetUtcNow();
        if (text == _lastText && !_known.Values.Any(lease => lease.Until <= now)) return;
        _lastText = text;
        var before = _known;
        var leases = Leases.Read(text, now).Where(lease => _network.LanPrefix.Contains(lease.Address)).DistinctBy(lease => lease.Address).ToImmutableDictionary(lease => lease.Address);
        Volatile.Write(ref _known, leases);

        // The fence first: the device uses its address at once.
        _fence.SetLeases(leases.ToImmutableDictionary(lease => lease.Key, lease => lease.Value.Mac));
        foreach (var lease in leases.Values)
        {
            if (before.TryGetValue(lease.Address, out var known) && known == lease) continue;
            await _record.ApplyAsync(new ThingSeen(lease.Mac, lease.Address, lease.HostName) { At = now }, cancellationToken);
        }
    }

    [LoggerMessage(3301, LogLevel.Information, "dnsmasq gives out addresses (process {Process}).")]
    private static partial void LogStarted(ILogger logger, int process);

    [LoggerMessage(3302, LogLevel.Error, "dnsmasq ended and is started again: {Reason}")]
    private static partial void LogEnded(ILogger logger, string reason);
}
