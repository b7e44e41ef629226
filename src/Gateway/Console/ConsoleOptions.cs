using System.Net;

namespace Gatehouse.Console;

/// <summary>Where the console listens.</summary>
public sealed record ConsoleOptions
{
    /// <summary>The folder of <c>console.sock</c>, <c>control.sock</c> and <c>claim-code</c>; only the owner of the gateway may enter it.</summary>
    public required string RunFolder { get; init; }

    /// <summary>Address and port for the computers of the home, or null: then only the sockets.</summary>
    public IPEndPoint? Lan { get; init; }

    /// <summary>Address and port of the "this device is fenced" page, or null. The fence redirects plain HTTP of fenced devices to it.</summary>
    public IPEndPoint? Fenced { get; init; }

    /// <summary>Names (beyond addresses and <c>localhost</c>) a browser may call the console by. Any other <c>Host</c> is refused: DNS rebinding.</summary>
    public IReadOnlyList<string> HostNames { get; init; } = ["gatehouse.home.arpa", "gatehouse.lan"];
}
