using System.CommandLine;
using Gatehouse.Maker;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Maker;

/// <summary>A maker's working folder and the commands given in it, in process.</summary>
internal sealed class MakerFolder : IDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    public string Path { get; } = Directory.CreateTempSubdirectory("gatehouse-maker-").FullName;

    public string Repository => Below("repository");

    public string Served => Below("served");

    /// <summary>Seal keys as a maker does, and not as a test may.</summary>
    public bool FullKeys { get; init; }

    public DateTimeOffset Now { get; set; } = Start;

    public string Below(params string[] names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>Runs a command; the test fails where it does.</summary>
    public string Run(params string[] args)
    {
        var (exit, said, complaint) = Try(args);
        Assert.True(exit == 0, $"{string.Join(' ', args)} ended with {exit}: {complaint}{said}");
        return said;
    }

    public (int Exit, string Said, string Complaint) Try(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] all = [.. args, "--repository", Repository, "--now", Now.ToString("O"), "--passphrase-file", PassphraseFile(), .. FullKeys ? [] : new[] { "--light-keys" }];
        var exit = MakerProgram.Create().Parse(all).Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        return (exit, output.ToString(), error.ToString());
    }

    public void Init(params string[] more) => Run(["init", Repository, "--unattended", "--name", "anvil", .. more]);

    public string Image(string name, int bytes = 1000)
    {
        var path = Below(name);
        var content = new byte[bytes];
        new Random(name.GetHashCode(StringComparison.Ordinal)).NextBytes(content);
        File.WriteAllBytes(path, content);
        return path;
    }

    public TufRepository Client(string name = "client", ITransport? transport = null) => TufRepository.Open(
        "anvil", Below(name, "metadata"), File.ReadAllBytes(System.IO.Path.Combine(Repository, "metadata", "1.root.json")),
        transport ?? new FolderTransport(Served), new FixedTime(Now));

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string PassphraseFile()
    {
        var file = Below("passphrase");
        if (!File.Exists(file)) File.WriteAllText(file, "correct horse battery");
        return file;
    }
}
