using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Gatehouse.Mend.Drivers.Swupdate;

/// <summary>What is read around swupdate: the image's first bytes and the device's own version page.</summary>
internal static class SwupdateMessages
{
    /// <summary>A <c>.swu</c> is a cpio archive in the new ASCII format, without or with checksums (cpio(5)).</summary>
    public static bool IsArchive(ReadOnlySpan<byte> start) => start.StartsWith("070701"u8) || start.StartsWith("070702"u8);

    /// <summary>A page that is nothing but a version, perhaps with blanks around it. HTML, an error text or a second word is none.</summary>
    public static bool TryReadVersion(ReadOnlySpan<byte> page, [NotNullWhen(true)] out FirmwareVersion? version)
    {
        version = null;
        return page.Length <= 256 && FirmwareVersion.TryParse(Encoding.Latin1.GetString(page).Trim(), out version);
    }
}
