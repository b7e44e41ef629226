using System.Net;

namespace Gatehouse.Lab.Devices;

/// <summary>What a DHCP client tells of itself.</summary>
/// <param name="HostName">Option 12, or null.</param>
/// <param name="VendorClass">Option 60; empty: none.</param>
/// <param name="Asks">The parameter request list (option 55), as udhcpc's option names or numbers; empty: udhcpc's own list.</param>
internal sealed record DhcpManners(string? HostName, string VendorClass, IReadOnlyList<string> Asks);

/// <summary>An address a device was given.</summary>
internal sealed record Lease(IPAddress Address, IPAddress Router, IPAddress NameServer);

/// <summary>A device's DHCP client: busybox's udhcpc in the device's namespace.</summary>
internal sealed class DhcpClient(string inNamespace, string interfaceName, string state, DhcpManners manners, IPAddress? request) : IAsyncDisposable
{
    private RunningProgram? _client;

    public void Start()
    {
        Directory.CreateDirectory(state);
        File.WriteAllText(Path.Combine(state, "resolv.conf"), "");
        File.Delete(Path.Combine(state, "lease"));
        List<string> words =
        [
            inNamespace, state, "env", $"LAB_STATE={state}", "/bin/busybox", "udhcpc", "-f", "-i", interfaceName, "-s", LabFiles.Find("dhcp.script"), "-t", "1000", "-T", "1",
            "-V", manners.VendorClass,
        ];
        if (manners.HostName is { } name) words.AddRange(["-x", $"hostname:{name}"]);
        if (request is not null) words.AddRange(["-r", request.ToString()]);
        if (manners.Asks.Count > 0) words.Add("-o");
        foreach (var option in manners.Asks) words.AddRange(["-O", option]);
        _client = RunningProgram.Start(Path.Combine(state, "dhcp.log"), null, LabFiles.Find("in"), [.. words]);
    }

    /// <summary>The lease, as soon as there is one.</summary>
    public async Task<Lease> LeaseAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var file = Path.Combine(state, "lease");
        for (var waited = TimeSpan.Zero; waited < limit; waited += TimeSpan.FromMilliseconds(50))
        {
            if (File.Exists(file) && File.ReadAllText(file).Split(' ', StringSplitOptions.TrimEntries) is [var address, var router, var server])
                return new(IPAddress.Parse(address), IPAddress.Parse(router), IPAddress.Parse(server));
            await Task.Delay(50, cancellationToken);
        }

        throw new LabException($"{inNamespace} was given no address within {limit.TotalSeconds:0} s; see {Path.Combine(state, "dhcp.log")}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
    }
}
