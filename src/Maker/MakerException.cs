namespace Gatehouse.Maker;

/// <summary>A person asked for something that cannot be done. The message says what and what to do instead; no stack trace is shown.</summary>
internal sealed class MakerException(string message) : Exception(message);
