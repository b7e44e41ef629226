using System.Collections.Immutable;
using System.Net;
using Gatehouse.Home;

namespace Gatehouse.Commands;

/// <summary>What the person who starts the gateway decided, checked.</summary>
public sealed record GatewayOptions
{
    /// <summary>The interface the Things are on; a bridge the gateway owns, where Things shall not reach each other.</summary>
    public required string Lan { get; init; }

    /// <summary>The interface towards the Internet.</summary>
    public required string Wan { get; init; }

    /// <summary>The gateway's own address on the LAN with the LAN's prefix length.</summary>
    public required IPAddress LanAddress { get; init; }
    public required int LanPrefixLength { get; init; }

    /// <summary>Where the record, trusted metadata and kept images are.</summary>
    public string StateFolder { get; init; } = "/var/lib/gatehouse";

    /// <summary>Where the sockets are and what <c>down</c> puts back.</summary>
    public string RunFolder { get; init; } = "/run/gatehouse";

    /// <summary>The DNS server that answers for the Internet; null: the first one of /etc/resolv.conf.</summary>
    public IPEndPoint? Upstream { get; init; }

    /// <summary>Folders with packs, besides those shipped.</summary>
    public ImmutableArray<string> PackFolders { get; init; } = [];

    /// <summary>Which repositories may bring firmware to which models; null: none.</summary>
    public string? TrustMap { get; init; }

    /// <summary>Whether to guard or only to watch from now on; null: as the record says (a new one guards).</summary>
    public GuardMode? Mode { get; init; }

    /// <summary>False: detection is off (to tell what the fence alone does).</summary>
    public bool Watch { get; init; } = true;

    /// <summary>Where questions and findings are posted to, or null.</summary>
    public Uri? Webhook { get; init; }

    public string RecordPath => Path.Combine(StateFolder, "record.db");
    public string TrustFolder => Path.Combine(StateFolder, "trust");
    public string ImagesFolder => Path.Combine(StateFolder, "images");
    public string ControlSocket => Path.Combine(RunFolder, "control.sock");
    public string ConsoleSocket => Path.Combine(RunFolder, "console.sock");
    public string ClaimCodeFile => Path.Combine(RunFolder, "claim-code");
}
