namespace Gatehouse.Lab.Devices;

/// <summary>A network printer: the real ippeveprinter, announced by avahi.</summary>
internal sealed class Printer(string inNamespace, string state) : IAsyncDisposable
{
    public const int Port = 631;
    private DhcpClient? _dhcp;
    private RunningProgram? _program;

    public Lease? Lease { get; private set; }

    /// <summary>The pages printed so far.</summary>
    public int Printed => Directory.Exists(Path.Combine(state, "spool")) ? Directory.GetFiles(Path.Combine(state, "spool")).Length : 0;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _dhcp = new DhcpClient(inNamespace, "eth0", state, new("QL410-" + inNamespace.Length, "Quill Printer", []), null);
        _dhcp.Start();
        Lease = await _dhcp.LeaseAsync(TimeSpan.FromSeconds(60), cancellationToken);
        _program = RunningProgram.Start(Path.Combine(state, "printer.log"), null, LabFiles.Find("in"), inNamespace, state,
            "unshare", "--mount", "--pid", "--fork", "--kill-child", LabFiles.Find("printer/start"), state, "Quill Laser 410", "quill410", $"{Port}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is not null) await _program.DisposeAsync();
        if (_dhcp is not null) await _dhcp.DisposeAsync();
    }
}

/// <summary>A lamp that speaks HomeKit: hap-nodejs, which nobody here wrote.</summary>
internal sealed class Lamp(string inNamespace, string state, string mac) : IAsyncDisposable
{
    public const int Port = 51826;
    private DhcpClient? _dhcp;
    private RunningProgram? _program;

    public Lease? Lease { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _dhcp = new DhcpClient(inNamespace, "eth0", state, new("Lumen-LW-A60", "", []), null);
        _dhcp.Start();
        Lease = await _dhcp.LeaseAsync(TimeSpan.FromSeconds(60), cancellationToken);
        _program = RunningProgram.Start(Path.Combine(state, "lamp.log"), null, LabFiles.Find("in"), inNamespace, state,
            "env", $"NODE_PATH={LampModules.Find()}", "node", LabFiles.Find("lamp/lamp.js"), "Desk lamp", mac, "LW-A60", Path.Combine(state, "store"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is not null) await _program.DisposeAsync();
        if (_dhcp is not null) await _dhcp.DisposeAsync();
    }
}

/// <summary>Where <c>npm ci</c> put the lamp's packages: lab/lamp/node_modules of the checkout, or the folder named by GATEHOUSE_LAMP.</summary>
internal static class LampModules
{
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_LAMP") is { Length: > 0 } named) return named;
        for (var above = AppContext.BaseDirectory; above is not null; above = Path.GetDirectoryName(above))
        {
            if (Directory.Exists(Path.Combine(above, "lab/lamp/node_modules/hap-nodejs"))) return Path.Combine(above, "lab/lamp/node_modules");
        }

        throw new LabException("the lamp's packages are missing: run npm ci in lab/lamp (./run and ./test do it).");
    }
}

/// <summary>A Thing that copies the laptop's DHCP word for word, and behaves like a Thing.</summary>
internal sealed class Copycat(string inNamespace, string state, string copiedHost) : IAsyncDisposable
{
    private DhcpClient? _dhcp;

    public Lease? Lease { get; private set; }

    public async Task JoinAsync(CancellationToken cancellationToken)
    {
        _dhcp = new DhcpClient(inNamespace, "eth0", state, Laptop.Manners(copiedHost), null);
        _dhcp.Start();
        Lease = await _dhcp.LeaseAsync(TimeSpan.FromSeconds(60), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_dhcp is not null) await _dhcp.DisposeAsync();
    }
}
