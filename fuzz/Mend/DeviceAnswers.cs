using System.Text;
using Gatehouse.Mend;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Drivers;
using Gatehouse.Mend.Drivers.Swupdate;
using Gatehouse.Mend.Drivers.Tasmota;

namespace Gatehouse.Fuzz.Mend;

/// <summary>Everything that reads what a device answers to Mend, on one input.</summary>
internal static class DeviceAnswers
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        var bytes = input.ToArray();
        var text = Encoding.Latin1.GetString(bytes);
        TasmotaMessages.TryReadVersion(bytes, out _);
        TasmotaMessages.IsWishForPassword(new DeviceAnswer(200, bytes));
        TasmotaMessages.ReadRemark(text);
        SwupdateMessages.TryReadVersion(bytes, out _);
        SwupdateMessages.IsArchive(bytes);
        FirmwareVersion.TryParse(text, out _);
        TelnetText.Read(text);
        TelnetText.AsksForOld(text);
        if (DeviceText.Quote(text).Any(char.IsControl)) throw new InvalidOperationException("a control character was let through");

        var (decoded, answer) = (new List<byte>(), new List<byte>());
        new TelnetDecoder().Take(bytes, decoded, answer);
        if (decoded.Count > bytes.Length || answer.Count > bytes.Length) throw new InvalidOperationException("more came out than went in");
    }
}
