using System.Diagnostics.CodeAnalysis;

namespace Gatehouse.Wire;

/// <summary>What an SSDP message does.</summary>
public enum SsdpKind
{
    /// <summary>A device says it is there (<c>NOTIFY</c>, <c>ssdp:alive</c> or <c>ssdp:update</c>).</summary>
    Alive,

    /// <summary>A device goes away (<c>ssdp:byebye</c>).</summary>
    ByeBye,

    /// <summary>Somebody looks for devices (<c>M-SEARCH</c>).</summary>
    Search,

    /// <summary>A device answers a search.</summary>
    Answer,
}

/// <summary>One SSDP message (UPnP Device Architecture 2.0, 1.2 and 1.3). Its texts are the sender's own.</summary>
public sealed record SsdpMessage(SsdpKind Kind, string? Type, string? Usn, string? Server, string? UserAgent, string? Location)
{
    public const ushort Port = 1900;

    /// <summary>Reads one datagram; a head without a body.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out SsdpMessage? message)
    {
        message = null;
        if (!HttpHead.TryParse(datagram, out var head) || KindOf(head) is not { } kind) return false;
        message = new(kind, kind is SsdpKind.Alive or SsdpKind.ByeBye ? head["NT"] : head["ST"], head["USN"], head["SERVER"], head["USER-AGENT"], head["LOCATION"]);
        return true;
    }

    private static SsdpKind? KindOf(HttpHead head) => (head.Method, head.Target, head.Status) switch
    {
        ("NOTIFY", "*", _) => head["NTS"] switch
        {
            "ssdp:alive" or "ssdp:update" => SsdpKind.Alive,
            "ssdp:byebye" => SsdpKind.ByeBye,
            _ => null,
        },
        ("M-SEARCH", "*", _) when head["MAN"] is "\"ssdp:discover\"" or "ssdp:discover" => SsdpKind.Search,
        ("", _, 200) when head["ST"] is not null => SsdpKind.Answer,
        _ => null,
    };
}
