using Gatehouse.Lab.Devices;

namespace Gatehouse.Lab.Home;

/// <summary>The makers: each has keys, a TUF repository made with the real gatehouse-maker, and a folder on the mirror.</summary>
internal sealed class Makers(HomeSeed seed, Programs programs, string folder, string mirrorRoot)
{
    public const string PlugRepository = "tasmota";

    public string ImageKeys => Path.Combine(folder, "image-keys");
    public RecorderModel RecorderModel => RecorderModel.Default with { Brand = seed.Brand, Model = seed.RecorderModel };

    /// <summary>The trust map of this home.</summary>
    public string TrustMap => Path.Combine(folder, "trust-map.json");

    private string PassphraseFile => Path.Combine(folder, "passphrase");
    private string Work(string repository) => Path.Combine(folder, repository);
    private string Served(string repository) => Path.Combine(mirrorRoot, repository);

    public async Task SetUpAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(PassphraseFile, $"only for the lab {Guid.NewGuid():N}\n", cancellationToken);
        await RecorderFirmware.MakeKeysAsync(ImageKeys, cancellationToken);
        foreach (var repository in (string[])[PlugRepository, seed.RecorderRepository])
        {
            await MakerAsync(["init", Work(repository), "--name", repository, "--threshold", "2", "--unattended"], cancellationToken);
            await MakerAsync(["publish", Served(repository), "--repository", Work(repository)], cancellationToken);
            File.Copy(Path.Combine(Served(repository), "metadata", "1.root.json"), Path.Combine(folder, $"{repository}.root.json"));
        }

        await File.WriteAllTextAsync(TrustMap,
            $$"""
            {
              "poll-seconds": 2,
              "repositories": {
                "{{PlugRepository}}": { "mirror": "http://{{seed.Mirror}}/{{PlugRepository}}/", "root": "{{PlugRepository}}.root.json", "models": ["tasmota"] },
                "{{seed.RecorderRepository}}": { "mirror": "http://{{seed.Mirror}}/{{seed.RecorderRepository}}/", "root": "{{seed.RecorderRepository}}.root.json", "models": ["{{seed.RecorderModel}}"] }
              }
            }

            """, cancellationToken);
    }

    /// <summary>Signs a release with two of three holders and puts it on the mirror.</summary>
    public async Task PublishAsync(string repository, string image, string model, string version, IReadOnlyList<string> more, CancellationToken cancellationToken)
    {
        await MakerAsync(["add", image, "--model", model, "--version", version, "--repository", Work(repository), .. more], cancellationToken);
        await MakerAsync(["sign", "--yes", "--holder", "holder-1", "--repository", Work(repository)], cancellationToken);
        await MakerAsync(["sign", "--yes", "--holder", "holder-2", "--repository", Work(repository)], cancellationToken);
        await MakerAsync(["publish", Served(repository), "--repository", Work(repository)], cancellationToken);
    }

    public async Task PublishRecorderAsync(string version, CancellationToken cancellationToken)
    {
        var image = await RecorderFirmware.BuildImageAsync(Path.Combine(folder, "images"), RecorderModel, RecorderRelease.Of(version), ImageKeys, cancellationToken);
        await PublishAsync(seed.RecorderRepository, image, seed.RecorderModel, version, ["--kind", "security", "--fixes", "CVE-2016-1000245", "--hardware", "1.0"], cancellationToken);
    }

    public async Task<string> PublishPlugAsync(string version, CancellationToken cancellationToken)
    {
        var image = Path.Combine(folder, "images", $"tasmota-{version}.bin");
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        await File.WriteAllBytesAsync(image, PlugFirmware.Build($"{version}(release-tasmota)"), cancellationToken);
        await PublishAsync(PlugRepository, image, "tasmota", version, ["--kind", "feature"], cancellationToken);
        return image;
    }

    /// <summary>The file a release's image is served from (consistent snapshots: the hash is part of its name).</summary>
    public string ServedImage(string repository, string version) =>
        Directory.EnumerateFiles(Path.Combine(Served(repository), "targets"), "*", SearchOption.AllDirectories).Single(file => file.Contains(version, StringComparison.Ordinal));

    private Task<string> MakerAsync(IReadOnlyList<string> words, CancellationToken cancellationToken) =>
        Shell.RunAsync(programs.Maker, [.. words, "--passphrase-file", PassphraseFile], cancellationToken);
}
