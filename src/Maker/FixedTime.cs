namespace Gatehouse.Maker;

/// <summary>The clock of a lab or of CI, given by <c>--now</c>: dates in metadata then do not depend on when it was made.</summary>
internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}
