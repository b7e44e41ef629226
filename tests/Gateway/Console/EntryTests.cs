using Gatehouse.Console.Entry;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>Who may come in: the pieces by themselves.</summary>
public sealed class EntryTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Theory]
    [InlineData("three small words")]
    [InlineData("Brücke ÅÅÅ 日本語 🔑")]
    public void A_passphrase_matches_itself_and_nothing_else(string passphrase)
    {
        var stored = Passphrase.Store(passphrase);

        Assert.True(Passphrase.Matches(passphrase, stored));
        Assert.False(Passphrase.Matches(passphrase + " ", stored));
        Assert.False(Passphrase.Matches("", stored));
        Assert.DoesNotContain(passphrase, stored, StringComparison.Ordinal);
        Assert.NotEqual(stored, Passphrase.Store(passphrase));
    }

    [Theory]
    [InlineData("")]
    [InlineData("argon2id$1$1")]
    [InlineData("plain$12288$3$AAAA$AAAA")]
    public void A_stored_passphrase_of_another_kind_matches_nothing(string stored) => Assert.False(Passphrase.Matches("three small words", stored));

    [Fact]
    public void Tries_come_back_one_by_one()
    {
        var tries = new TryLimit(_time);
        for (var i = 0; i < TryLimit.Burst; i++) Assert.True(tries.TryTake("a"));
        Assert.False(tries.TryTake("a"));
        Assert.True(tries.TryTake("b"));

        _time.Advance(TryLimit.Refill);

        Assert.True(tries.TryTake("a"));
        Assert.False(tries.TryTake("a"));
    }

    [Fact]
    public void Ten_thousand_places_do_not_fill_the_memory_nor_free_the_guilty()
    {
        var tries = new TryLimit(_time);
        while (tries.TryTake("guilty"))
        {
        }

        for (var i = 0; i < 10_000; i++) tries.TryTake("place " + i);

        Assert.False(tries.TryTake("guilty"));
    }

    [Fact]
    public void A_code_works_once_until_its_time_however_it_is_typed()
    {
        var codes = new OneTimeCode(_time);
        var code = codes.Make(_time.GetUtcNow().AddMinutes(10));

        Assert.False(codes.TryUse(null));
        Assert.False(codes.TryUse(""));
        Assert.False(codes.TryUse(code[..^1]));
        Assert.True(codes.TryUse($" {code.ToLowerInvariant().Replace('-', ' ')} "));
        Assert.False(codes.TryUse(code));

        var late = codes.Make(_time.GetUtcNow().AddMinutes(10));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.False(codes.TryUse(late));
    }
}
