using System.Text;

namespace Gatehouse.Maker.Repository;

/// <summary>The sheet that is printed at the ceremony: whose key is which, and what to do when one is lost or stolen. It holds no secret.</summary>
internal static class RecoverySheet
{
    public const string FileName = "recovery-sheet.txt";

    public static void Write(MakerRepository repository, string[] holders, int threshold)
    {
        var text = new StringBuilder();
        text.AppendLine($"Recovery sheet of {repository.Settings.Name}, made {repository.Clock.GetUtcNow():yyyy-MM-dd}");
        text.AppendLine();
        text.AppendLine($"{threshold} of {holders.Length} holders must sign every release and every change of keys.");
        foreach (var key in MakerRepository.KeyFiles(repository.KeysFolder)) text.AppendLine($"  {key.Holder}, {key.Role}: {key.KeyId}");
        text.AppendLine();
        text.AppendLine("A key file is opened by its holder's passphrase only. Nobody can reset a passphrase.");
        text.AppendLine("Keep each key file on two sticks in two places, and this sheet with each.");
        text.AppendLine();
        text.AppendLine("A key or passphrase is lost:     gatehouse-maker rotate ROLE --key KEYID --holder NAME, then sign and publish.");
        text.AppendLine("A key may have been stolen:      the same, at once. One stolen key alone can sign nothing.");
        text.AppendLine($"{threshold} keys may have been stolen:     the same for each, at once; whoever has them can sign releases until then.");
        text.AppendLine("The online server was taken:     gatehouse-maker rotate snapshot, rotate timestamp, then sign and publish.");
        text.AppendLine($"More than {holders.Length - threshold} keys are lost:         nothing can be signed any more; only a successor named beforehand can go on.");
        SafeFile.Write(Path.Combine(repository.Folder, FileName), Encoding.UTF8.GetBytes(text.ToString()));
    }
}
