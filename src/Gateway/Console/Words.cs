using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>What the record says, in the words the owner reads. Pure: pages, the command line and JSON show the same sentences.</summary>
internal static class Words
{
    /// <summary>A question as one sentence.</summary>
    public static string Ask(HomeState state, Question question)
    {
        var name = state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString();
        return question.Kind switch
        {
            QuestionKind.Reach => $"May {name} reach {question.Subject}?",
            QuestionKind.IsComputer => $"Is {name} a computer or phone of yours?",
            _ => $"Shall anybody on the Internet be able to knock at {name}?",
        };
    }

    public static string Answered(HomeState state, Question question, Answer answer)
    {
        var name = state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString();
        return (question.Kind, answer) switch
        {
            (QuestionKind.Reach, Answer.Yes) => $"{name} may reach {question.Subject} now, and nothing else.",
            (QuestionKind.Reach, _) => $"{name} may not reach {question.Subject}.",
            (QuestionKind.IsComputer, Answer.Yes) => $"{name} is a computer of yours: it is let out.",
            (QuestionKind.IsComputer, _) => $"{name} stays fenced.",
            (_, Answer.Yes) => $"The way in to {name} stays open.",
            _ => $"The way in to {name} is closed.",
        };
    }

    public static string NoOffer(HomeState state, Thing thing)
    {
        var refused = state.Offers.Values.Where(offer => offer.Thing == thing.Mac).OrderByDescending(offer => offer.Id).FirstOrDefault();
        return refused?.RefusedBecause is { } reason
            ? $"There is no newer firmware for {thing.DisplayName}. Version {refused.Version} is not offered: {reason}"
            : $"There is no newer firmware for {thing.DisplayName}.";
    }

    /// <summary>One sentence on how a Thing is: the most pressing fact only.</summary>
    public static string StateOf(HomeState state, Thing thing)
    {
        if (state.UpdateUnderWay(thing.Mac) is { } update) return $"Being updated to {update.ToVersion}: {update.State.InWords()}.";
        if (thing.Restraint == Restraint.CutOff) return "Cut off: nothing from it or to it passes.";
        if (thing.Restraint == Restraint.Throttled) return "Slowed down to a trickle.";
        if (state.OfferFor(thing.Mac) is { } offer) return offer.IsSecurity ? $"A security update to {offer.Version} is ready." : $"An update to {offer.Version} is ready.";

        var waiting = state.OpenQuestions.Count(question => question.Thing == thing.Mac);
        if (waiting > 0) return waiting == 1 ? "Waits for your answer to one question." : $"Waits for your answer to {waiting} questions.";
        if (thing.Class == DeviceClass.Computer) return "A computer: it is let out.";

        var ways = state.Permissions.Values.Count(permission => permission.Thing == thing.Mac);
        return ways switch { 0 => "Fenced: it reaches nothing outside.", 1 => "Fenced: it reaches one place you allowed.", _ => $"Fenced: it reaches {ways} places you allowed." };
    }

    /// <summary>The home page's headline and sentence.</summary>
    public static (string Tone, string Headline, string Sentence) Home(HomeState state, ImmutableArray<Incident> incidents, int questions, int offers, DateTimeOffset now)
    {
        var computers = state.Things.Values.Count(thing => thing.Class == DeviceClass.Computer);
        var things = state.Things.Count - computers;
        var here = $"{Count(things, "device is", "devices are")} behind the fence, {Count(computers, "computer is", "computers are")} let out.";
        if (state.PanicUntil > now) return ("ask", "The fence is down", "You let everything out. The fence comes up again by itself.");
        if (incidents.Length > 0)
            return ("bad", incidents.Length == 1 ? "Something happened" : $"{incidents.Length} things happened", incidents.Length == 1 ? "One of your devices misbehaved. The rest of your home is fine." : "Some of your devices misbehaved. The rest of your home is fine.");
        if (questions > 0) return ("ask", questions == 1 ? "One question for you" : $"{questions} questions for you", "Nothing is wrong. " + here);
        if (offers > 0) return ("new", offers == 1 ? "An update is ready" : $"{offers} updates are ready", "Nothing is wrong. " + here);
        if (state.Things.IsEmpty) return ("good", "Waiting for the first device", "As soon as a device joins your network it shows up here.");
        return ("good", "All is well", here);
    }

    /// <summary>What Gatehouse does about it right now.</summary>
    public static string Stopped(Thing thing) => thing.Restraint switch
    {
        Restraint.CutOff => "It was cut off; nothing gets through any more.",
        Restraint.Throttled => "It was slowed down to a trickle.",
        _ => "It is being watched closely.",
    };

    /// <summary>What a Thing did, after its name.</summary>
    public static string Did(FindingKind kind) => kind switch
    {
        FindingKind.Ddos => "took part in an attack",
        FindingKind.Takeover => "was taken over by a stranger",
        FindingKind.CommandAndControl => "takes orders from a stranger",
        FindingKind.BruteForce => "was guessing passwords",
        FindingKind.Scan => "was looking for devices to break into",
        FindingKind.Reflector => "was used to attack others",
        _ => "behaves unlike itself",
    };

    /// <summary>Kind and maker, as far as they are known.</summary>
    public static string What(Thing thing)
    {
        var kind = thing.Class switch
        {
            DeviceClass.Computer => thing.Identity.Kind?.Value is { } known && known != "computer" ? Capital(known) : "Computer",
            DeviceClass.Router => "Router",
            _ => thing.Identity.Kind?.Value is { } known ? Capital(known) : "Not recognised yet",
        };
        return thing.Identity.Vendor is { } vendor && !thing.DisplayName.Contains(vendor.Value, StringComparison.OrdinalIgnoreCase) ? $"{kind} by {vendor.Value}" : kind;
    }

    /// <summary>The symbol of a kind of device. Only names of this list reach the page, whatever the Thing says.</summary>
    public static string Icon(Thing thing) => thing.Identity.Kind?.Value.ToLowerInvariant() switch
    {
        "camera" or "doorbell" => "camera",
        "recorder" or "nvr" or "dvr" => "recorder",
        "plug" or "switch" or "socket" => "plug",
        "lamp" or "light" or "bulb" => "lamp",
        "printer" or "scanner" => "printer",
        "phone" or "tablet" => "phone",
        "speaker" or "radio" => "speaker",
        "tv" or "television" or "streamer" => "tv",
        "router" or "access point" => "router",
        _ => thing.Class switch { DeviceClass.Computer => "computer", DeviceClass.Router => "router", _ => "unknown" },
    };

    /// <summary>The colour of a Thing's mark.</summary>
    public static string Tone(HomeState state, Thing thing)
    {
        if (thing.Restraint != Restraint.None || state.OpenFindings.Any(finding => finding.Thing == thing.Mac)) return "bad";
        if (state.UpdateUnderWay(thing.Mac) is not null) return "busy";
        if (state.OpenQuestions.Any(question => question.Thing == thing.Mac)) return "ask";
        if (state.OfferFor(thing.Mac) is not null) return "new";
        return thing.Class == DeviceClass.Computer ? "free" : "good";
    }

    /// <summary>How a Thing is, in a few words for its card.</summary>
    public static string Brief(HomeState state, Thing thing)
    {
        if (state.UpdateUnderWay(thing.Mac) is { } update) return $"Being updated to {update.ToVersion}";
        if (thing.Restraint == Restraint.CutOff) return "Cut off";
        if (thing.Restraint == Restraint.Throttled) return "Slowed down";

        var waiting = state.OpenQuestions.FirstOrDefault(question => question.Thing == thing.Mac);
        if (waiting is not null) return waiting.Kind == QuestionKind.Reach ? "Wants to reach the Internet" : "Waits for your answer";
        if (state.OfferFor(thing.Mac) is { } offer) return offer.IsSecurity ? "Security update ready" : "Update ready";
        if (thing.Class == DeviceClass.Computer) return "Let out";

        var refused = state.Questions.Values.Count(question => question.Thing == thing.Mac && question.Kind == QuestionKind.Reach && question.Answer == Answer.No);
        if (refused > 0) return refused == 1 ? "Fenced; you said no once" : $"Fenced; you said no {refused} times";
        return state.Permissions.Values.Any(permission => permission.Thing == thing.Mac) ? "Fenced; works as you allowed" : "Fenced";
    }

    public static string OfferTitle(Thing thing, Offer offer) =>
        offer.IsSecurity ? $"A security update for {thing.DisplayName}" : $"An update for {thing.DisplayName}";

    public static string OfferSentence(Thing thing, Offer offer)
    {
        var from = thing.Identity.Firmware is { } firmware ? $" It runs {firmware.Value} now." : "";
        var fixes = offer.Fixes.IsEmpty ? "" : $" It closes {(offer.Fixes.Length == 1 ? "a known hole" : $"{offer.Fixes.Length} known holes")} ({string.Join(", ", offer.Fixes.Take(3))}).";
        return $"Version {offer.Version} is ready, signed and checked.{fixes}{from} If it is not well afterwards, it is put back as it was.";
    }

    /// <summary>A port by the name people know.</summary>
    public static string Service(ushort port) => port switch
    {
        22 => "remote login (SSH)",
        23 or 2323 => "remote login (Telnet)",
        80 or 8080 => "web page",
        443 or 8443 => "web page",
        554 or 8554 => "video stream",
        _ => $"port {port}",
    };

    /// <summary><c>3 minutes ago</c>.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now) => (now - at) switch
    {
        { TotalSeconds: < 60 } => "just now",
        { TotalHours: < 1 } span => $"{Count((int)span.TotalMinutes, "minute", "minutes")} ago",
        { TotalDays: < 1 } span => $"{Count((int)span.TotalHours, "hour", "hours")} ago",
        { TotalDays: < 14 } span => $"{Count((int)span.TotalDays, "day", "days")} ago",
        _ => "on " + at.ToLocalTime().ToString("d MMMM yyyy", CultureInfo.InvariantCulture),
    };

    public static string Span(TimeSpan span) => span.TotalMinutes < 1 ? Count((int)Math.Ceiling(span.TotalSeconds), "second", "seconds") : Count((int)Math.Ceiling(span.TotalMinutes), "minute", "minutes");

    public static string Count(long count, string one, string many) => count == 1 ? $"1 {one}" : string.Create(CultureInfo.InvariantCulture, $"{count:N0} {many}");

    /// <summary>Text that ends like a sentence.</summary>
    public static string Sentence(string text) => text.Length == 0 || text[^1] is '.' or '!' or '?' ? text : text + ".";

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>How a Thing is, for the top of its page.</summary>
    public static string Whole(HomeState state, Thing thing)
    {
        if (state.UpdateUnderWay(thing.Mac) is { } update) return $"It is being updated: {update.State.InWords()}.";
        if (thing.Restraint != Restraint.None) return $"{Stopped(thing)} {thing.RestraintReason}".TrimEnd();

        var open = state.OpenQuestions.Count(question => question.Thing == thing.Mac && question.Kind == QuestionKind.Reach);
        var refused = state.Questions.Values.Count(question => question.Thing == thing.Mac && question.Kind == QuestionKind.Reach && question.Answer == Answer.No);
        if (thing.Class == DeviceClass.Computer) return "A computer of yours. It uses the Internet freely; Gatehouse only fences Things.";
        if (open > 0) return $"It works inside your home. What it wants from the Internet is shut until you say OK.";
        if (refused > 0) return "It works inside your home. Some of what it wants from the Internet is shut because you said “not now”.";
        return state.Permissions.Values.Any(permission => permission.Thing == thing.Mac)
            ? "It works, and reaches only what you allowed."
            : "It works inside your home, and reaches nothing outside it.";
    }

    public static string Shut(Thing thing, FenceCount count) => thing.Class == DeviceClass.Computer ? "" :
        "Everything else on the Internet, and every other device of your home, is shut for it."
        + (count.Blocked > 0 ? $" {Count(count.Blocked, "packet was", "packets were")} stopped so far." : "");

    public static string ClassOf(Thing thing) => (thing.Class, thing.IsClassChosenByOwner) switch
    {
        (DeviceClass.Computer, true) => "You said it is a computer of yours, so it is let out.",
        (DeviceClass.Computer, _) => "It behaves like a computer or phone, so it is let out.",
        (DeviceClass.Router, _) => "It is a router or access point: it is fenced.",
        (_, true) => "You said it is a Thing, so it is fenced.",
        _ => "It is not a computer you look after yourself, so it is fenced.",
    };

    /// <summary>How an incident ended.</summary>
    public static string Over(HomeState state, Thing thing, Incident incident) =>
        state.Updates.Values.Any(update => update.Thing == thing.Mac && update.State == UpdateState.Done && update.Changed >= incident.Started)
            ? "This is over. It was brought up to date and let in again."
            : "This is over. It may reach what you allowed before.";
}
