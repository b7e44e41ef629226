using Gatehouse.Console.Entry;
using Gatehouse.Console.Pages;
using Gatehouse.Home;

namespace Gatehouse.Console;

internal sealed partial class Site
{
    /// <summary>Every action ends in a page: where it was pressed, with one sentence about how it went.</summary>
    private async Task ActAsync(Visit visit)
    {
        switch (visit.Segments)
        {
            case ["sign-out"]:
                await SignOutAsync(visit);
                return;
            case ["passphrase"]:
                await ChangePassphraseAsync(visit);
                return;
        }

        if (await TakeActionAsync(visit) is not { } result)
        {
            await NotHereAsync(visit);
            return;
        }

        visit.Session!.Say(result.Sentence);
        await RedirectAsync(visit, LocalPath(await visit.FieldAsync("back")));
    }

    private async Task<ActionResult?> TakeActionAsync(Visit visit)
    {
        var token = visit.Aborted;
        return visit.Segments switch
        {
            ["questions", var id, "yes"] when Number(id) is { } number => await actions.AnswerAsync(number, Answer.Yes, token),
            ["questions", var id, "no"] when Number(id) is { } number => await actions.AnswerAsync(number, Answer.No, token),
            ["permissions", var id, "revoke"] when Number(id) is { } number => await actions.RevokeAsync(number, token),
            ["forwards", var id, "open"] when Number(id) is { } number => await actions.SetForwardAsync(number, true, token),
            ["forwards", var id, "close"] when Number(id) is { } number => await actions.SetForwardAsync(number, false, token),
            ["things", var mac, var what] when Find(mac) is { } thing => await ActOnAsync(visit, thing, what),
            ["panic"] => await actions.PanicAsync(await visit.FieldAsync("value") != "off", token),
            ["mode"] => await actions.SetModeAsync(await visit.FieldAsync("value") == "guarding" ? GuardMode.Guarding : GuardMode.Watching, token),
            _ => null,
        };
    }

    private async Task<ActionResult?> ActOnAsync(Visit visit, Thing thing, string what) => what switch
    {
        "update" => await actions.UpdateAsync(thing.Mac, visit.Aborted),
        "quarantine" => await actions.QuarantineAsync(thing.Mac, null, visit.Aborted),
        "release" => await actions.ReleaseAsync(thing.Mac, visit.Aborted),
        "name" => await actions.NameAsync(thing.Mac, await visit.FieldAsync("name"), visit.Aborted),
        "computer" => await actions.ChooseClassAsync(thing.Mac, DeviceClass.Computer, visit.Aborted),
        "thing" => await actions.ChooseClassAsync(thing.Mac, DeviceClass.Thing, visit.Aborted),
        _ => null,
    };

    private async Task EntranceAsync(Visit visit)
    {
        visit.Context.Response.Headers.CacheControl = "no-store";
        var isClaim = visit.Segments is ["claim"];
        if (!isClaim && !gate.IsClaimed)
        {
            await RedirectAsync(visit, "/claim");
            return;
        }

        if (!visit.IsAction)
        {
            await (isClaim ? ShowClaimAsync(visit, visit.Context.Request.Query["code"].ToString(), null) : ShowSignInAsync(visit, null));
            return;
        }

        await (isClaim ? ClaimAsync(visit) : SignInAsync(visit));
    }

    private async Task ClaimAsync(Visit visit)
    {
        var (code, passphrase) = (await visit.FieldAsync("code") ?? "", await visit.FieldAsync("passphrase") ?? "");
        if (passphrase != await visit.FieldAsync("again"))
        {
            await ShowClaimAsync(visit, code, "The two passphrases are not the same.");
            return;
        }

        var entry = await gate.ClaimAsync(code, passphrase, visit.Place, visit.Aborted);
        if (entry == EntryResult.Welcome) await WelcomeAsync(visit);
        else await ShowClaimAsync(visit, code, entry == EntryResult.Wrong ? "That is not the code. It works once, and a new one is made each time Gatehouse starts." : Sentence(entry));
    }

    private async Task SignInAsync(Visit visit)
    {
        var entry = await gate.SignInAsync(await visit.FieldAsync("passphrase") ?? "", visit.Place, visit.Cookie(KnownCookie), visit.Aborted);
        if (entry == EntryResult.Welcome) await WelcomeAsync(visit);
        else await ShowSignInAsync(visit, Sentence(entry));
    }

    private async Task WelcomeAsync(Visit visit)
    {
        // A new secret at every sign-in: one that was planted before is worth nothing.
        SetCookie(visit.Context, SessionCookie, await gate.Sessions.BeginAsync(visit.Aborted), Sessions.Life);
        SetCookie(visit.Context, KnownCookie, gate.MakeKnown(), TimeSpan.FromDays(365));
        visit.Context.Response.Cookies.Delete(VisitCookie);
        await RedirectAsync(visit, "/");
    }

    private async Task SignOutAsync(Visit visit)
    {
        if (await visit.FieldAsync("everywhere") is not null) await gate.Sessions.EndAllAsync(visit.Aborted);
        else await gate.Sessions.EndAsync(visit.Cookie(SessionCookie)!, visit.Aborted);
        visit.Context.Response.Cookies.Delete(SessionCookie);
        await RedirectAsync(visit, "/sign-in");
    }

    private async Task ChangePassphraseAsync(Visit visit)
    {
        var next = await visit.FieldAsync("passphrase") ?? "";
        var entry = next != await visit.FieldAsync("again") ? EntryResult.BadPassphrase
            : await gate.ChangePassphraseAsync(await visit.FieldAsync("present") ?? "", next, visit.Place, visit.Cookie(KnownCookie), visit.Aborted);
        if (entry == EntryResult.Welcome) await WelcomeAsync(visit);
        else await ShowSettingsAsync(visit, entry == EntryResult.BadPassphrase ? $"The new passphrase needs {Passphrase.MinLength} characters or more, twice the same." : Sentence(entry));
    }

    private Task ShowClaimAsync(Visit visit, string code, string? error) => RenderAsync(visit, error is null ? 200 : 422,
        ClaimPage.Create(new ClaimView(Frame(visit, gate.IsClaimed ? "A new passphrase" : "Welcome", ""), !gate.IsClaimed, code.Length > 32 ? "" : code, Passphrase.MinLength, error)));

    private Task ShowSignInAsync(Visit visit, string? error) =>
        RenderAsync(visit, error is null ? 200 : 422, SignInPage.Create(new SignInView(Frame(visit, "Sign in", ""), error)));

    private static string Sentence(EntryResult entry) => entry switch
    {
        EntryResult.TooManyTries => $"Too many tries. Wait {Words.Span(TryLimit.Refill)} and try again.",
        EntryResult.BadPassphrase => $"A passphrase needs {Passphrase.MinLength} characters or more. Three or four words are easy to keep in mind.",
        _ => "That is not the passphrase.",
    };

    /// <summary>Only a path of this site: a form field must not send the owner elsewhere.</summary>
    private static string LocalPath(string? path) =>
        path is { Length: > 0 and < 200 } && path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal) && !path.Contains('\\', StringComparison.Ordinal)
        && path.All(c => c is > ' ' and < '\x7f') ? path : "/";
}
