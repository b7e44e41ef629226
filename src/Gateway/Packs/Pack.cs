using System.Collections.Immutable;
using Gatehouse.Home;

namespace Gatehouse.Packs;

/// <summary>
/// What is known of one model family, read from a file and checked: how to recognise it, what it must reach, how it is updated and looked
/// after. Only <see cref="PackReader"/> makes one, so whoever holds a pack need not check it again.
/// </summary>
/// <remarks>The file's schema is <c>packs/pack.schema.json</c>.</remarks>
public sealed record Pack
{
    internal Pack()
    {
    }

    /// <summary><c>maker/family</c>, lower case: the path of its file below <c>packs/</c>, without the ending.</summary>
    public required string Id { get; init; }

    public required string Vendor { get; init; }

    /// <summary>The model as firmware targets name it (their custom metadata's <c>model</c>), or null for a family without one name.</summary>
    public required string? Model { get; init; }

    /// <summary>A common word: <c>camera</c>, <c>recorder</c>, <c>plug</c>, <c>lamp</c>, <c>printer</c>…</summary>
    public required string Kind { get; init; }

    /// <summary>What devices of this family do to the rules that judge them; never <see cref="DeviceClass.Computer"/>.</summary>
    public required DeviceClass Class { get; init; }

    /// <summary>True where a person may come to harm when it stops (a smoke alarm, a door lock): nothing is done to it by itself.</summary>
    public required bool IsSafetyRelevant { get; init; }

    public required ImmutableArray<RecogniseRule> Recognise { get; init; }

    /// <summary>Names it needs, as a hint beside the question; the owner is asked all the same.</summary>
    public required ImmutableArray<PackReach> Reach { get; init; }

    /// <summary>How it is updated, or null where no driver can.</summary>
    public required PackUpdate? Update { get; init; }

    /// <summary>How it shows from outside that it is well; empty when nobody knows.</summary>
    public required ImmutableArray<HealthCheck> Health { get; init; }

    /// <summary>Accounts it is shipped with.</summary>
    public required ImmutableArray<PackCredential> Credentials { get; init; }

    /// <summary>How such an account's password is replaced, or null.</summary>
    public required PackRotation? Rotate { get; init; }

    /// <summary>The day its maker's support ends, or null where the maker has not said.</summary>
    public required DateOnly? SupportUntil { get; init; }

    /// <summary>Public documents each fact was read in.</summary>
    public required ImmutableArray<string> Sources { get; init; }

    /// <summary>The file it was read from.</summary>
    public required string File { get; init; }

    /// <summary>What the pack knows of a DNS name, or null.</summary>
    public PackReach? ReachFor(string name) => Reach.FirstOrDefault(reach => reach.Covers(name));
}

/// <summary>A name a family needs. <see cref="Name"/> is a DNS name in lower case, or <c>*.name</c> for everything below it.</summary>
/// <param name="Why">What stops working without it, in words for the owner.</param>
public sealed record PackReach(string Name, ImmutableArray<TransportPort> Ports, string Why)
{
    /// <summary>True when <paramref name="name"/> (lower case, no last dot) is this name, or below it where it begins with a star.</summary>
    public bool Covers(string name) => Name.StartsWith("*.", StringComparison.Ordinal)
        ? name.Length > Name.Length - 1 && name.EndsWith(Name[1..], StringComparison.Ordinal)
        : name == Name;
}

/// <summary>The driver that updates a family, what it needs to know, and the repository that has its firmware.</summary>
public sealed record PackUpdate(string Driver, ImmutableDictionary<string, string> Parameters, string? Repository);

/// <summary>A sign of health seen from outside: the port accepts a connection and, where <see cref="HttpPath"/> is given, answers it with that status.</summary>
public sealed record HealthCheck(ushort Port, string? HttpPath, int Status);

/// <summary>An account a family is shipped with.</summary>
public sealed record PackCredential(string Service, ushort Port, string User, string Password);

/// <summary>How a password is replaced.</summary>
public sealed record PackRotation(string Method, ImmutableDictionary<string, string> Parameters);
