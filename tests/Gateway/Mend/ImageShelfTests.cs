using Gatehouse.Mend;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class ImageShelfTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-shelf-").FullName;

    [Fact]
    public void The_least_recently_used_goes_first_and_what_is_needed_never()
    {
        var shelf = new ImageShelf(_folder);
        string[] hashes = [Hash('a'), Hash('b'), Hash('c'), Hash('d')];
        foreach (var (hash, day) in hashes.Zip([1, 2, 3, 4])) Put(shelf, hash, 100, day);

        var dropped = shelf.Trim(hash => hash == hashes[0], maxBytes: 250);

        Assert.Equal(2, dropped);
        Assert.Equal([true, false, false, true], hashes.Select(hash => shelf.Find(hash) is not null));
    }

    [Fact]
    public void Nothing_goes_while_there_is_room()
    {
        var shelf = new ImageShelf(_folder);
        Put(shelf, Hash('a'), 100, 1);

        Assert.Equal(0, shelf.Trim(_ => false, maxBytes: 100));
    }

    [Fact]
    public void Half_an_image_is_not_found()
    {
        var shelf = new ImageShelf(_folder);
        Directory.CreateDirectory(shelf.FolderOf(Hash('a')));
        File.WriteAllText(Path.Combine(shelf.FolderOf(Hash('a')), "image.part"), "half");

        Assert.Null(shelf.Find(Hash('a')));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_name_that_is_no_hash_leads_nowhere(string name) => Assert.Throws<ArgumentException>(() => new ImageShelf(_folder).Find(name));

    [Fact]
    public void Only_its_owner_may_look_at_it()
    {
        var folder = Path.Combine(_folder, "images");
        _ = new ImageShelf(folder);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Hash(char digit) => new(digit, 64);

    private static void Put(ImageShelf shelf, string hash, int bytes, int day)
    {
        var folder = Directory.CreateDirectory(shelf.FolderOf(hash));
        File.WriteAllBytes(Path.Combine(folder.FullName, "image"), new byte[bytes]);
        folder.LastWriteTimeUtc = new DateTime(2026, 1, day, 0, 0, 0, DateTimeKind.Utc);
    }
}
