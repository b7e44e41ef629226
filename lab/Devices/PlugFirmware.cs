using System.Text;

namespace Gatehouse.Lab.Devices;

/// <summary>The plug's firmware images: an ESP8266 image's first byte, then text that says the version, then filling.</summary>
internal static class PlugFirmware
{
    /// <summary>First byte of an ESP8266 image; the bootloader and Tasmota's uploader check it.</summary>
    public const byte Magic = 0xE9;

    private const string VersionMark = "LAB-TASMOTA-VERSION=";
    private const string NoWebMark = "LAB-TASMOTA-NO-WEB";

    public static byte[] Build(string version, bool hasWebService = true, int bytes = 400_000)
    {
        var image = new byte[bytes];
        new Random(version.Sum(letter => letter)).NextBytes(image);
        image[0] = Magic;
        Encoding.ASCII.GetBytes($"{VersionMark}{version}\n{(hasWebService ? "" : NoWebMark)}\n").CopyTo(image, 16);
        return image;
    }

    /// <summary>The version an image says it is; null for bytes that are no image.</summary>
    public static string? VersionOf(byte[] image)
    {
        if (image.Length < 1000 || image[0] != Magic) return null;
        var head = Encoding.ASCII.GetString(image, 0, Math.Min(image.Length, 512));
        var start = head.IndexOf(VersionMark, StringComparison.Ordinal);
        return start < 0 ? null : head[(start + VersionMark.Length)..].Split('\n')[0];
    }

    public static bool HasWebService(byte[] image) => image.AsSpan(0, Math.Min(image.Length, 512)).IndexOf(Encoding.ASCII.GetBytes(NoWebMark)) < 0;
}
