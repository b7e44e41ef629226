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
    public static IEnumerable<byte[]> Seeds() =>
    [
        "{\"StatusFWR\":{\"Version\":\"12.1.1(tasmota)\",\"Core\":\"2_7_4_9\"}}"u8.ToArray(),
        "<div style='text-align:center;'><b>Upload <font color='#ff5661'>Failed</font></b><br><br>Not enough space</div>"u8.ToArray(),
        "1.10.0-rc1+build\n"u8.ToArray(),
        [255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3, .. "\r\r\ndvr login: "u8, 255, 250, 24, 1, 255, 240],
        "\r\npasswd: password for root changed by root\r\n~ # \u001b[6n"u8.ToArray(),
    ];

    public static void Run(ReadOnlySpan<byte> input)
    {
        var bytes = input.ToArray();
        var text = Encoding.Latin1.GetString(bytes);
        TasmotaMessages.TryReadVersion(bytes, out _);
        TasmotaMessages.IsWishForPassword(new DeviceAnswer(200, bytes));
        TasmotaMessages.ReadRemark(text);
        SwupdateMessages.TryReadVersion(bytes, out _);
        SwupdateMessages.IsArchive(bytes);
        _ = FirmwareVersion.TryParse(text, out _);
        TelnetText.Read(text);
        TelnetText.AsksForOld(text);
        if (DeviceText.Quote(text).Any(char.IsControl)) throw new InvalidOperationException("a control character was let through");

        var (decoded, answer) = (new List<byte>(), new List<byte>());
        new TelnetDecoder().Take(bytes, decoded, answer);
        if (decoded.Count > bytes.Length || answer.Count > bytes.Length) throw new InvalidOperationException("more came out than went in");
    }
}
