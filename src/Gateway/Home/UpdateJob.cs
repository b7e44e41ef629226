using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>A verified release that fits a Thing and is newer than what it runs.</summary>
public sealed record Offer
{
    public required long Id { get; init; }
    public required MacAddress Thing { get; init; }

    /// <summary>The repository's name in the trust map and the target path in it.</summary>
    public required string Repository { get; init; }
    public required string TargetPath { get; init; }

    public required string Version { get; init; }

    /// <summary>SHA-256 of the image, lower-case hex: one release that failed is not offered again, whatever it is called.</summary>
    public required string Sha256 { get; init; }

    /// <summary>True for a security release.</summary>
    public required bool IsSecurity { get; init; }

    /// <summary>CVE ids it closes.</summary>
    public ImmutableArray<string> Fixes { get; init; } = [];

    public required DateTimeOffset Since { get; init; }

    /// <summary>Why it is not (or no longer) on offer, in one sentence; null while it is.</summary>
    public string? RefusedBecause { get; init; }
}

/// <summary>Where an update stands. Each state is on disk before the step it names is taken.</summary>
public enum UpdateState
{
    /// <summary>The owner (or the policy) said yes; nothing was touched.</summary>
    Consented,

    /// <summary>The image is being fetched and verified.</summary>
    Fetching,

    /// <summary>What is needed for the way back is being kept: the image it runs now, its settings.</summary>
    BackingUp,

    /// <summary>Bytes go to the Thing. From here on the Thing may hold half an image until its own updater is done.</summary>
    Installing,

    /// <summary>The Thing restarts; its version and health are read from outside.</summary>
    Checking,

    /// <summary>The known default password is replaced by one of its own.</summary>
    Securing,

    /// <summary>It did not come back healthy: the kept image is put back, or the Thing's own fall-back is awaited.</summary>
    RollingBack,

    Done,

    /// <summary>It is back as it was; the release is not offered again.</summary>
    RolledBack,

    /// <summary>Nothing was changed on the Thing; the reason is in <see cref="UpdateJob.Reason"/>.</summary>
    Refused,

    /// <summary>Neither the new nor the old firmware answers: a person must look.</summary>
    Lost,
}

/// <summary>The states as the owner reads them.</summary>
public static class UpdateStates
{
    /// <summary>An update's step as something one is in the middle of.</summary>
    public static string InWords(this UpdateState state) => state switch
    {
        UpdateState.Consented => "about to begin",
        UpdateState.Fetching => "fetching the firmware and checking its signatures",
        UpdateState.BackingUp => "keeping what is needed for the way back",
        UpdateState.Installing => "installing",
        UpdateState.Checking => "restarting it and checking that it is well",
        UpdateState.Securing => "replacing its password",
        UpdateState.RollingBack => "putting back what was there",
        UpdateState.Done => "done",
        UpdateState.RolledBack => "back as it was",
        UpdateState.Refused => "refused",
        _ => "it does not answer: please look at it",
    };
}

/// <summary>One update of one Thing, from consent to its end.</summary>
public sealed record UpdateJob
{
    public required long Id { get; init; }
    public required long OfferId { get; init; }
    public required MacAddress Thing { get; init; }
    public required string FromVersion { get; init; }
    public required string ToVersion { get; init; }
    public required UpdateState State { get; init; }
    public required DateTimeOffset Started { get; init; }
    public required DateTimeOffset Changed { get; init; }

    /// <summary>How often the present step was begun; a step that crashes the gateway is not tried for ever.</summary>
    public int Attempt { get; init; }

    /// <summary>Why it ended as it did or what it waits for, in one sentence for the owner.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What the step in progress must remember across a restart of the gateway (kept image, slot), by name.</summary>
    public ImmutableDictionary<string, string> Notes { get; init; } = ImmutableDictionary<string, string>.Empty;

    public bool HasEnded => State is UpdateState.Done or UpdateState.RolledBack or UpdateState.Refused or UpdateState.Lost;
}
