using System.Net;

namespace Gatehouse.Lab.Devices;

/// <summary>Where and how one recorder is set up.</summary>
internal sealed record RecorderSettings
{
    /// <summary>The network namespace it stands in; it has an interface of that name there.</summary>
    public required string Namespace { get; init; }
    public string Interface { get; init; } = "eth0";

    /// <summary>Slots, shared data, logs. Kept from run to run: a recorder started again is the same one.</summary>
    public required string State { get; init; }

    /// <summary>The maker's image key and certificate (made when missing).</summary>
    public required string Keys { get; init; }
    public RecorderModel Model { get; init; } = RecorderModel.Default;
    public string Host { get; init; } = "dvr";

    /// <summary>The firmware in the first slot when <see cref="State"/> is new.</summary>
    public string Firmware { get; init; } = "1.0.0";

    /// <summary>A fixed address with prefix length, or null for DHCP.</summary>
    public string? Address { get; init; }
    public string? Router { get; init; }

    /// <summary>The address it asks the DHCP server for, as a device that was there yesterday does; or null.</summary>
    public string? Request { get; init; }

    public string? Cloud { get; init; }
    public int CloudPort { get; init; } = 443;
    public int CloudSeconds { get; init; } = 3;
    public int ConfirmSeconds { get; init; } = 5;
    public int ConfirmDelay { get; init; } = 1;
}

/// <summary>
/// A video recorder of 2016: busybox's DHCP client, web server and telnet server with a factory account, real swupdate, two slots. This class is its
/// hardware and boot loader: it picks the slot, counts the boots of one on trial, and gives it up after <see cref="TrialBoots"/>.
/// </summary>
internal sealed class Recorder(RecorderSettings settings) : IAsyncDisposable
{
    /// <summary>A slot on trial that has not confirmed itself after so many boots is given up.</summary>
    public const int TrialBoots = 2;

    private readonly CancellationTokenSource _unplugged = new();
    private RunningProgram? _boot;
    private Task _power = Task.CompletedTask;

    private string Data(string name) => Path.Combine(settings.State, "data", name);

    /// <summary>The slot that runs now.</summary>
    public string RunningSlot { get; private set; } = "";

    /// <summary>Boots since it was made.</summary>
    public int Boots { get; private set; }

    /// <summary>The address its DHCP client was given, or its fixed one.</summary>
    public IPAddress? Address => IPAddress.TryParse(settings.Address?.Split('/')[0] ?? (File.Exists(Data("address")) ? File.ReadAllText(Data("address")).Trim() : ""), out var address) ? address : null;

    /// <summary>Ends when it has an address.</summary>
    public async Task LeasedAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; Address is null; waited += TimeSpan.FromMilliseconds(100))
        {
            if (waited > limit) throw new LabException($"the recorder was given no address within {limit.TotalSeconds:0} s; see {LogFile}");
            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>True between an installed image and its confirmation.</summary>
    public bool IsOnTrial => File.Exists(Data("boot/trial"));

    /// <summary>Boots of the slot on trial so far.</summary>
    public int TrialBootsSoFar => IsOnTrial && File.Exists(Data("boot/count")) && int.TryParse(File.ReadAllText(Data("boot/count")), out var boots) ? boots : 0;

    /// <summary>Sabotage: the loader boots the old slot whatever was installed.</summary>
    public bool NeverTriesTheOtherSlot { get; set; }

    /// <summary>Sabotage: the account is again as it left the factory.</summary>
    public void ForgetPassword() => File.WriteAllText(Data("etc/passwd"), FactoryAccount());

    /// <summary>Everything the device writes on its serial line.</summary>
    public string LogFile => Path.Combine(settings.State, "recorder.log");

    /// <summary>Makes the slots when they are new, and switches it on.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await RecorderFirmware.MakeKeysAsync(settings.Keys, cancellationToken);
        if (!Directory.Exists(Path.Combine(settings.State, "a"))) await MakeAsync(cancellationToken);
        WriteSettings();
        _power = RunAsync(_unplugged.Token);
    }

    /// <summary>Takes the power away for a moment.</summary>
    public void CutPower() => _boot?.Kill();

    private async Task MakeAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Data("etc"));
        Directory.CreateDirectory(Data("boot"));
        await RecorderFirmware.BuildTreeAsync(Path.Combine(settings.State, "a"), settings.Model, RecorderRelease.Of(settings.Firmware), settings.Keys, cancellationToken);
        Directory.CreateDirectory(Path.Combine(settings.State, "b"));
        foreach (var folder in (string[])["usr", "proc", "sys", "dev", "run", "tmp", "data", "other"])
            Directory.CreateDirectory(Path.Combine(settings.State, "b", folder));
        File.WriteAllText(Data("etc/passwd"), FactoryAccount());
        File.WriteAllText(Data("boot/active"), "a\n");
    }

    private string FactoryAccount() => $"root:{File.ReadAllText(Path.Combine(settings.State, "a/etc/factory-passwd")).Trim()}:0:0:root:/:/bin/sh\n";

    private void WriteSettings() => File.WriteAllText(Data("etc/settings"),
        $"""
        HOST='{settings.Host}'
        INTERFACE='{settings.Interface}'
        ADDRESS='{settings.Address}'
        ROUTER='{settings.Router}'
        REQUEST='{settings.Request}'
        CLOUD='{settings.Cloud}'
        CLOUD_PORT={settings.CloudPort}
        CLOUD_SECONDS={settings.CloudSeconds}
        CONFIRM_SECONDS={settings.ConfirmSeconds}
        CONFIRM_DELAY={settings.ConfirmDelay}

        """);

    private async Task RunAsync(CancellationToken unplugged)
    {
        while (!unplugged.IsCancellationRequested)
        {
            RunningSlot = ChooseSlot();
            Boots++;
            _boot = RunningProgram.Start(LogFile, null, LabFiles.Find("in"), settings.Namespace, settings.State,
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", LabFiles.Find("recorder/boot"), settings.State, RunningSlot);
            File.WriteAllText(Path.Combine(settings.State, "pid"), $"{_boot.Id}\n");
            await using (unplugged.Register(_boot.Kill)) await _boot.Exited;
            await _boot.DisposeAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(300), CancellationToken.None);
        }
    }

    // The counter is on disk before the boot it counts: a power cut during that boot is a boot that failed.
    private string ChooseSlot()
    {
        var active = File.ReadAllText(Data("boot/active")).Trim();
        if (NeverTriesTheOtherSlot) File.Delete(Data("boot/trial"));
        if (!IsOnTrial) return active;

        var boots = File.Exists(Data("boot/count")) && int.TryParse(File.ReadAllText(Data("boot/count")), out var counted) ? counted + 1 : 1;
        if (boots <= TrialBoots)
        {
            File.WriteAllText(Data("boot/count.new"), $"{boots}\n");
            File.Move(Data("boot/count.new"), Data("boot/count"), overwrite: true);
            return File.ReadAllText(Data("boot/trial")).Trim();
        }

        File.Delete(Data("boot/trial"));
        File.Delete(Data("boot/count"));
        File.AppendAllText(LogFile, $"loader: given up after {TrialBoots} boots without confirmation; back to slot {active}\n");
        return active;
    }

    public async ValueTask DisposeAsync()
    {
        await _unplugged.CancelAsync();
        await _power;
        _unplugged.Dispose();
    }
}
