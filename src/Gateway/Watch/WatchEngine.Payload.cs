using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>Words that no Thing says on an ordinary day. Only the first bytes of a segment are looked at, and nothing is kept of them.</summary>
public sealed partial class WatchEngine
{
    /// <summary>Bytes of a payload that are searched for commands.</summary>
    private const int SearchedBytes = 256;

    /// <summary>Segments a stranger sends at a login port before he is past the login: guessing one password takes six or seven of SSH.</summary>
    private const int GuestSegments = 12;

    /// <summary>A shell's prompt is short.</summary>
    private const int MaxPromptBytes = 64;

    private void ReadPayloadOut(WatchedThing thing, ref Flow flow, in Packet packet, bool isToLan)
    {
        var payload = packet.Payload;
        if (payload.IsEmpty) return;

        if (IsIrcLogin(payload))
        {
            flow.Marks |= FlowMarks.IrcOut;
            Count(thing, RuleId.CommandIrc, packet);
        }

        if (isToLan) return;
        ReadMiraiGreeting(thing, ref flow, packet);
        if (payload.StartsWith("BUILD "u8)) Count(thing, RuleId.CommandText, packet, 3);
        else if (payload.StartsWith("PONG"u8) && payload.Length <= 8 && !flow.Has(FlowMarks.IrcOut)) Count(thing, RuleId.CommandText, packet);
        ReadPrompt(thing, ref flow, packet);
    }

    private void ReadPayloadIn(WatchedThing thing, ref Flow flow, in Packet packet, bool isFromLan)
    {
        var payload = packet.Payload;
        if (payload.Length < 4) return;

        if (flow.Has(FlowMarks.IrcOut) && IsIrcAnswer(payload)) Count(thing, RuleId.CommandIrc, packet);
        if (isFromLan) return;

        if (payload.StartsWith("!* "u8)) Count(thing, RuleId.CommandText, packet, 3);
        else if (payload.StartsWith("PING"u8) && payload.Length <= 8 && !flow.Has(FlowMarks.IrcOut)) Count(thing, RuleId.CommandText, packet);
        if (flow.Has(FlowMarks.IsServed)) ReadStranger(thing, ref flow, packet);
    }

    // Somebody on the Internet talks to a service of the Thing.
    private void ReadStranger(WatchedThing thing, ref Flow flow, in Packet packet)
    {
        if (flow.Has(FlowMarks.PasswordAsked) ? HasShellCommand(packet.Payload) : HasDownload(packet.Payload)) Count(thing, RuleId.Takeover, packet, 2);
        if (flow.PayloadsIn >= GuestSegments && Ports.IsShell(packet.DestinationPort)) thing.LastGuest = _now;
    }

    private void ReadDatagramOut(WatchedThing thing, in Packet packet)
    {
        if (IsDht(packet.Payload)) Count(thing, RuleId.CommandDht, packet);
    }

    private void ReadDatagramIn(WatchedThing thing, in Packet packet)
    {
        if (IsDht(packet.Payload)) Count(thing, RuleId.CommandDht, packet, 0.5);
    }

    // Verbs of RFC 2812, 3.1: what a client says first.
    private static bool IsIrcLogin(ReadOnlySpan<byte> payload) =>
        payload[0] is (byte)'N' or (byte)'U' or (byte)'J' && (payload.StartsWith("NICK "u8) || payload.StartsWith("USER "u8) || payload.StartsWith("JOIN #"u8));

    private static bool IsIrcAnswer(ReadOnlySpan<byte> payload) =>
        payload.StartsWith("PING :"u8) || (payload[0] == ':' && payload[..Math.Min(payload.Length, SearchedBytes)] is var line
            && (line.IndexOf(" PRIVMSG "u8) > 0 || line.IndexOf(" JOIN "u8) > 0 || line.IndexOf(" 001 "u8) > 0 || line.IndexOf(" 332 "u8) > 0));

    // Mirai's bot says 00 00 00 01, then the length of its id, and the id in the same segment or the next (bot/main.c of the leaked source).
    private void ReadMiraiGreeting(WatchedThing thing, ref Flow flow, in Packet packet)
    {
        if (packet.PayloadLength == 4 && flow.PayloadsOut == 1 && packet.Payload is [0, 0, 0, 1])
        {
            flow.Marks |= FlowMarks.MiraiHello;
            return;
        }

        if (!flow.Has(FlowMarks.MiraiHello)) return;
        flow.Marks &= ~FlowMarks.MiraiHello;
        if (packet.PayloadLength <= 33 && (packet.PayloadLength == 1 || packet.Payload[0] == packet.PayloadLength - 1)) Count(thing, RuleId.CommandMirai, packet);
    }

    // BitTorrent's DHT (BEP 5): a dictionary in bencode with the sender's id.
    private static bool IsDht(ReadOnlySpan<byte> payload) =>
        payload.Length > 20 && (payload.StartsWith("d1:ad2:id20:"u8) || payload.StartsWith("d1:rd2:id20:"u8));

    private void ReadPrompt(WatchedThing thing, ref Flow flow, in Packet packet)
    {
        if (!flow.Has(FlowMarks.IsServed) || packet.Payload.Length > MaxPromptBytes) return;
        if (packet.Payload.IndexOf("assword"u8) >= 0) flow.Marks |= FlowMarks.PasswordAsked;
        else if (flow.Has(FlowMarks.PasswordAsked) && IsShellPrompt(packet.Payload)) Count(thing, RuleId.Takeover, packet, 2);
    }

    private static bool IsShellPrompt(ReadOnlySpan<byte> payload) => payload.EndsWith("# "u8) || payload.EndsWith("$ "u8);

    // A command inside a request (a hole in a web page): the download that follows, in the spellings of exploit kits.
    private static bool HasDownload(ReadOnlySpan<byte> payload)
    {
        var text = payload[..Math.Min(payload.Length, SearchedBytes)];
        return text.IndexOf("/bin/busybox"u8) >= 0 || text.IndexOf("wget http"u8) >= 0 || text.IndexOf("wget+http"u8) >= 0 || text.IndexOf("wget%20http"u8) >= 0
            || text.IndexOf("tftp -g"u8) >= 0 || text.IndexOf("tftp+-g"u8) >= 0;
    }

    private static bool HasShellCommand(ReadOnlySpan<byte> payload)
    {
        var text = payload[..Math.Min(payload.Length, SearchedBytes)];
        return text.IndexOf("wget "u8) >= 0 || text.IndexOf("tftp "u8) >= 0 || text.IndexOf("/bin/busybox"u8) >= 0 || text.IndexOf("chmod "u8) >= 0 || text.IndexOf("curl "u8) >= 0;
    }
}
