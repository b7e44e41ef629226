using System.CommandLine;

namespace Gatehouse.Commands;

/// <summary>Arguments that several commands take.</summary>
internal static class Arguments
{
    public static Argument<string> Thing() => new("THING") { Description = "A device: its name, IP address or MAC address, or the beginning of one of them." };

    /// <summary>A question's number, or a device.</summary>
    public static Argument<string> QuestionOrThing() => new("QUESTION|THING") { Description = "A question's number (see 'gatehouse questions'), or a device." };

    public static Argument<string?> Name() => new("NAME") { Description = "With a device: the DNS name it is about.", Arity = ArgumentArity.ZeroOrOne };
}
