using System.Globalization;
using Gatehouse.Mend;
using Gatehouse.Mend.Drivers;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class ComeBackJudgeTests
{
    private static readonly DriverPace _pace = new()
    {
        HasOwnFallback = true, ActivationWait = TimeSpan.FromSeconds(20), RestartWait = TimeSpan.FromSeconds(60), FallbackWait = TimeSpan.FromSeconds(60),
        SteadyWait = TimeSpan.FromSeconds(3),
    };

    /// <summary>
    /// What is seen, one sign a second: o the old version, n the new one, x another, N the new one unwell, O the old one unwell, . silence; a number
    /// before a sign repeats it.
    /// </summary>
    public static TheoryData<string, string, ComeBack> Stories => new()
    {
        { "takes it and comes back", "2o5.4n", ComeBack.Up },
        { "answers once between two restarts", "2o5.1n5.3n", ComeBack.Waiting },
        { "comes back slowly", "1o50.4n", ComeBack.Up },
        { "comes back in the last second", "1o58.4n", ComeBack.Up },
        { "goes on with the old one while it writes", "19o", ComeBack.Waiting },
        { "never took it", "21o", ComeBack.BackToOld },
        { "was away and runs the old one again", "2o25.4o", ComeBack.BackToOld },
        { "was away shortly while it writes, so the old one says nothing yet", "2o2.6o", ComeBack.Waiting },
        { "runs the new one, unwell", "2o5.60N", ComeBack.Unwell },
        { "is unwell first and well then", "2o5.10N4n", ComeBack.Up },
        { "well and unwell by turns is not well", "2o5.2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N2n1N", ComeBack.Unwell },
        { "is silent", "2o60.", ComeBack.Silent },
        { "shows a version nobody asked for", "2o5.60x", ComeBack.WrongVersion },
        { "runs the old one, unwell", "2o5.60O", ComeBack.BackToOld },
    };

    [Theory, MemberData(nameof(Stories))]
    public void What_is_seen_from_outside_decides(string why, string seen, ComeBack expected)
    {
        var judge = new ComeBackJudge(_pace, V("1.0.0"), V("1.1.0"));
        var outcome = ComeBack.Waiting;
        var second = 0;
        foreach (var sign in Expand(seen))
        {
            outcome = judge.Take(TimeSpan.FromSeconds(second++), Look(sign));
            if (outcome != ComeBack.Waiting) break;
        }

        Assert.True(expected == outcome, $"{why}: {outcome} after {second} s");
    }

    private static Observation Look(char sign) => sign switch
    {
        'o' => new(V("1.0.0"), null),
        'n' => new(V("1.1.0"), null),
        'x' => new(V("3.0.0"), null),
        'N' => new(V("1.1.0"), "unwell"),
        'O' => new(V("1.0.0"), "unwell"),
        _ => Observation.Silence,
    };

    private static IEnumerable<char> Expand(string seen)
    {
        var number = "";
        foreach (var sign in seen)
        {
            if (char.IsAsciiDigit(sign)) number += sign;
            else
            {
                for (var i = 0; i < (number.Length == 0 ? 1 : int.Parse(number, CultureInfo.InvariantCulture)); i++) yield return sign;
                number = "";
            }
        }
    }

    private static FirmwareVersion V(string text) => FirmwareVersion.TryParse(text, out var version) ? version : throw new FormatException(text);
}
