namespace Gatehouse.Watch;

/// <summary>What ports mean to the rules.</summary>
internal static class Ports
{
    public const ushort Ssh = 22;
    public const ushort Telnet = 23;
    public const ushort Dns = 53;

    /// <summary>Ports behind which a bot expects a log-in or a known hole of a Thing; strangers' machines are of no use to a Thing there.</summary>
    private static readonly byte[] Login = Bitmap(
        21, 22, 23, 26, 222, 445, 1023, 1433, 2222, 2223, 2323, 3306, 3389, 5358, 5432, 5555, 5900, 6379, 6789, 7547, 8291, 8728, 9527, 9530, 22222, 23231, 34567, 37215, 37777, 49152, 52869, 60001);

    /// <summary>Web pages of Things and servers, the other place where bots look for holes.</summary>
    private static readonly byte[] Web = Bitmap(80, 81, 82, 83, 84, 85, 88, 443, 1080, 3128, 4443, 5000, 5500, 7001, 7574, 8000, 8001, 8008, 8080, 8081, 8082, 8083, 8088, 8089, 8090, 8181, 8443, 8880, 8888, 9000, 9080, 9090, 9443, 10000);

    /// <summary>UDP services that attackers reflect on (US-CERT TA14-017A and its later additions).</summary>
    private static readonly byte[] Reflectable = Bitmap(
        17, 19, 53, 69, 111, 123, 137, 161, 177, 389, 427, 520, 623, 1434, 1604, 1900, 3283, 3389, 3702, 5060, 5093, 5353, 5683, 10001, 10074, 11211, 27960, 30718, 32414, 33848, 37810, 43000);

    /// <summary>Ports below 1024 that ordinary servers answer on. A cloud has no business on another system port; masters of bots often have.</summary>
    public static bool IsOrdinaryService(ushort port) => port is >= 1024 or 20 or 21 or 22 or 25 or 37 or 53 or 80 or 88 or 110 or 119 or 123 or 143 or 179 or 389 or 443
        or 465 or 514 or 554 or 563 or 587 or 631 or 636 or 843 or 853 or 873 or 989 or 990 or 993 or 995;

    public static bool IsLogin(ushort port) => IsIn(Login, port);

    public static bool IsWeb(ushort port) => IsIn(Web, port);

    public static bool IsShell(ushort port) => port is 22 or 23 or 26 or 222 or 1023 or 2222 or 2223 or 2323 or 22222 or 23231;

    public static bool IsSsh(ushort port) => port is 22 or 222 or 2222 or 22222;

    public static bool IsReflectable(ushort port) => IsIn(Reflectable, port);

    private static bool IsIn(byte[] bitmap, ushort port) => (bitmap[port >> 3] >> (port & 7) & 1) != 0;

    private static byte[] Bitmap(params ReadOnlySpan<ushort> ports)
    {
        var bitmap = new byte[65536 / 8];
        foreach (var port in ports) bitmap[port >> 3] |= (byte)(1 << (port & 7));
        return bitmap;
    }
}
