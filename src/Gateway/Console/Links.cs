using System.Globalization;
using Gatehouse.Wire;

namespace Gatehouse.Console;

/// <summary>Where things are on the console.</summary>
internal static class Links
{
    public static string Thing(MacAddress mac) => "/things/" + mac.ToString().Replace(':', '-');
    public static string Question(long id) => "/questions/" + id.ToString(CultureInfo.InvariantCulture);
    public static string Incident(long id) => "/incidents/" + id.ToString(CultureInfo.InvariantCulture);
    public static string Journal(MacAddress thing) => "/journal?thing=" + thing.ToString().Replace(':', '-');
}
