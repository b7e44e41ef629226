using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gatehouse.Maker.Repository;

/// <summary>How long each role's signature is good for. In days, since they are chosen by people.</summary>
internal sealed record MakerSettings(string Name, double RootDays, double TargetsDays, double SnapshotDays, double TimestampDays)
{
    /// <summary>The maker's last root version, where this repository took over from a maker that is gone; 0 where it did not.</summary>
    public long FollowsRoot { get; init; }

    public static MakerSettings Default(string name) => new(name, RootDays: 365, TargetsDays: 365, SnapshotDays: 14, TimestampDays: 3);

    public double DaysOf(string role) => role switch
    {
        "root" => RootDays,
        "snapshot" => SnapshotDays,
        "timestamp" => TimestampDays,
        _ => TargetsDays,
    };

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["name"] = Name,
        ["follows-root"] = FollowsRoot,
        ["days"] = new JsonObject { ["root"] = RootDays, ["targets"] = TargetsDays, ["snapshot"] = SnapshotDays, ["timestamp"] = TimestampDays },
    }.ToJsonString(MakerJson.Indented));

    public static MakerSettings Load(string path)
    {
        try
        {
            var file = JsonNode.Parse(File.ReadAllBytes(path))!;
            var days = file["days"]!;
            return new MakerSettings(
                file["name"]!.GetValue<string>(), days["root"]!.GetValue<double>(), days["targets"]!.GetValue<double>(),
                days["snapshot"]!.GetValue<double>(), days["timestamp"]!.GetValue<double>())
            {
                FollowsRoot = file["follows-root"]?.GetValue<long>() ?? 0,
            };
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new MakerException($"{path} cannot be understood: {bad.Message}");
        }
    }
}
