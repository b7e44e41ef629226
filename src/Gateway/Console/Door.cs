namespace Gatehouse.Console;

/// <summary>Which of the console's sockets a connection came in by. It is set before the first byte is read, so no header can change it.</summary>
internal enum Door
{
    /// <summary><c>console.sock</c>: a browser behind a proxy on this machine. All its peers look alike.</summary>
    Socket,

    /// <summary>The LAN address; connections of anything but computers are closed unread.</summary>
    Lan,

    /// <summary><c>control.sock</c>, mode 0600: whoever may open it is the owner.</summary>
    Control,

    /// <summary>Where the fence sends plain HTTP of fenced devices. Only one small page is behind it.</summary>
    Fenced,
}

/// <summary>Carries the door from the connection to its requests.</summary>
internal sealed record DoorFeature(Door Door);
