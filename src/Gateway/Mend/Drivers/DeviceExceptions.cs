namespace Gatehouse.Mend.Drivers;

/// <summary>The device answered with an error, in words for the owner; as far as it says, nothing was changed on it.</summary>
public sealed class DeviceRefusedException(string message) : Exception(message);

/// <summary>No answer came: it restarts, is switched off, or is gone. Says nothing about what it did with what it was sent.</summary>
public sealed class DeviceUnreachableException(string message, Exception? inner = null) : Exception(message, inner);
