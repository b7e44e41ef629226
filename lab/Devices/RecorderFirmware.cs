namespace Gatehouse.Lab.Devices;

/// <summary>What one release of the recorder's firmware is like.</summary>
/// <param name="Version">Shown by the device itself at <c>/version</c>.</param>
/// <param name="MustReplacePassword">True once the hole is closed: with the factory's password one can do nothing but replace it.</param>
/// <param name="HasWebService">False in the release that does not come up healthy.</param>
internal sealed record RecorderRelease(string Version, bool MustReplacePassword, bool HasWebService)
{
    /// <summary>The story's releases: 1.0.0 has the hole, 1.2.* do not come up healthy; any other version is a sound one.</summary>
    public static RecorderRelease Of(string version) => version switch
    {
        "1.0.0" => new(version, MustReplacePassword: false, HasWebService: true),
        _ when version.StartsWith("1.2.", StringComparison.Ordinal) => new(version, MustReplacePassword: true, HasWebService: false),
        _ => new(version, MustReplacePassword: true, HasWebService: true),
    };
}

/// <summary>The words a recorder uses of itself; other seeds, other words.</summary>
internal sealed record RecorderModel(string Brand, string Model, string Hardware)
{
    public static RecorderModel Default { get; } = new("Anvil", "anvil-dvr4", "1.0");
}

/// <summary>Builds the recorder's root trees, and signed swupdate images of them.</summary>
internal static class RecorderFirmware
{
    /// <summary>The account Mirai's list begins with (shared/data/default-credentials/mirai-62.csv).</summary>
    public const string FactoryPassword = "xc3511";

    /// <summary>Makes the maker's image key and certificate in <paramref name="folder"/> unless they are there (swupdate's CMS; FACTS).</summary>
    public static async Task MakeKeysAsync(string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        if (File.Exists(Path.Combine(folder, "release.pem")) && File.Exists(Path.Combine(folder, "release.key"))) return;
        await Shell.RunAsync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-sha256", "-subj", "/CN=Recorder releases",
            "-addext", "extendedKeyUsage=emailProtection", "-addext", "keyUsage=digitalSignature", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", Path.Combine(folder, "release.key"), "-out", Path.Combine(folder, "release.pem")], cancellationToken);
    }

    /// <summary>Writes the root tree of one release into an empty or missing folder.</summary>
    public static async Task BuildTreeAsync(string root, RecorderModel model, RecorderRelease release, string keys, CancellationToken cancellationToken)
    {
        foreach (var folder in (string[])["bin", "sbin", "etc", "www/admin", "www-update", "usr", "proc", "sys", "dev", "run", "tmp", "data", "other"])
            Directory.CreateDirectory(Path.Combine(root, folder));
        File.CreateSymbolicLink(Path.Combine(root, "lib"), "usr/lib");
        File.CreateSymbolicLink(Path.Combine(root, "lib64"), "usr/lib64");

        File.Copy("/bin/busybox", Path.Combine(root, "bin/busybox"));
        var applets = await Shell.RunAsync("/bin/busybox", ["--list"], cancellationToken);
        foreach (var applet in applets.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(applet => applet != "busybox"))
            File.CreateSymbolicLink(Path.Combine(root, "bin", applet), "busybox");

        var factory = (await Shell.RunAsync("openssl", ["passwd", "-1", "-salt", "Factory0", FactoryPassword], cancellationToken)).Trim();
        Write(root, "etc/version", release.Version + "\n");
        Write(root, "etc/features", $"WEB={(release.HasWebService ? "yes" : "no")}\nMODEL={model.Model}\nHARDWARE={model.Hardware}\nBRAND='{model.Brand}'\n");
        Write(root, "etc/factory-passwd", factory + "\n");
        Write(root, "etc/group", "root:x:0:\n");
        Write(root, "etc/issue", $"{model.Brand} DVR\n");
        Write(root, "etc/nsswitch.conf", "hosts: files dns\n");
        Write(root, "etc/hosts", "127.0.0.1 localhost\n");
        Write(root, "etc/httpd.conf", "/admin:admin:" + Guid.NewGuid().ToString("N")[..8] + "\n.txt:text/plain\n");
        File.CreateSymbolicLink(Path.Combine(root, "etc/passwd"), "/data/etc/passwd");
        File.CreateSymbolicLink(Path.Combine(root, "etc/resolv.conf"), "/run/resolv.conf");
        if (release.MustReplacePassword) File.Copy(LabFiles.Find("recorder/profile"), Path.Combine(root, "etc/profile"));
        File.Copy(Path.Combine(keys, "release.pem"), Path.Combine(root, "etc/release.pem"));
        LabFiles.CopyScript("recorder/init", Path.Combine(root, "init"));
        LabFiles.CopyScript("recorder/switch-slot", Path.Combine(root, "etc/switch-slot"));
        LabFiles.CopyScript("recorder/udhcpc.script", Path.Combine(root, "etc/udhcpc.script"));

        var title = $"{model.Brand} {model.Model}";
        Write(root, "www/version", release.Version + "\n");
        Write(root, "www/index.html",
            $"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{model.Brand} network video recorder</h1>" +
            $"<p>Model {model.Model}, hardware {model.Hardware}, firmware <span id=\"fw\">{release.Version}</span>. 4 channels, 0 cameras.</p><p><a href=\"/admin/\">Settings</a></p></body></html>\n");
        Write(root, "www/admin/index.html", "<!DOCTYPE html><title>Settings</title>\n");
        Write(root, "www-update/index.html", $"<!DOCTYPE html><title>{title} software update</title>\n");
    }

    /// <summary>Packs and signs a release as the maker would: sw-description, its CMS signature and the tree, in a crc cpio.</summary>
    /// <returns>The path of the .swu file.</returns>
    public static async Task<string> BuildImageAsync(string folder, RecorderModel model, RecorderRelease release, string keys, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var work = Directory.CreateTempSubdirectory("gatehouse-swu-").FullName;
        try
        {
            var root = Path.Combine(work, "root");
            await BuildTreeAsync(root, model, release, keys, cancellationToken);
            await Shell.RunAsync("tar", ["-C", root, "-czf", Path.Combine(work, "rootfs.tar.gz"), "--owner=0", "--group=0", "--numeric-owner", "."], cancellationToken);
            Write(work, "clear-slot", "#!/bin/sh\n[ \"$1\" = preinst ] && rm -rf /other/bin /other/sbin /other/lib /other/lib64 /other/etc /other/www /other/www-update /other/init\nexit 0\n");
            var tar = await HashAsync(Path.Combine(work, "rootfs.tar.gz"), cancellationToken);
            var script = await HashAsync(Path.Combine(work, "clear-slot"), cancellationToken);
            Write(work, "sw-description",
                $$"""
                software =
                {
                    version = "{{release.Version}}";
                    hardware-compatibility = [ "{{model.Hardware}}" ];
                    files: ( { filename = "rootfs.tar.gz"; path = "/other"; type = "archive"; compressed = "zlib"; sha256 = "{{tar}}"; } );
                    scripts: ( { filename = "clear-slot"; type = "shellscript"; sha256 = "{{script}}"; } );
                }

                """);
            await Shell.RunAsync("openssl", ["cms", "-sign", "-in", Path.Combine(work, "sw-description"), "-out", Path.Combine(work, "sw-description.sig"),
                "-signer", Path.Combine(keys, "release.pem"), "-inkey", Path.Combine(keys, "release.key"), "-outform", "DER", "-nosmimecap", "-binary"], cancellationToken);
            var image = Path.Combine(folder, $"{model.Model}-{release.Version}.swu");
            await Shell.RunAsync("/bin/bash", ["-ec",
                "cd \"$1\"; printf '%s\\n' sw-description sw-description.sig clear-slot rootfs.tar.gz | cpio --quiet -o -H crc > \"$2\"", "pack", work, image], cancellationToken);
            return image;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void Write(string root, string relative, string text) => File.WriteAllText(Path.Combine(root, relative), text);

    private static async Task<string> HashAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(stream, cancellationToken));
    }
}
