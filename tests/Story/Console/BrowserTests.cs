using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Console;
using Microsoft.Playwright;
using Xunit;

namespace Gatehouse.Tests.Story.Console;

/// <summary>The console in a real browser: on a phone and a desktop, light and dark, with JavaScript and without.</summary>
[Trait("Needs", "browser")]
public sealed class BrowserTests : IAsyncLifetime
{
    private const string Passphrase = "three small words";
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private readonly List<string> _complaints = [];
    private ConsoleHome _home = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _chromium = null!;

    public async ValueTask InitializeAsync()
    {
        _home = await ConsoleHome.StartAsync();
        await RichHome.MoveInAsync(_home.Record, Now, laptopAddress: "127.0.0.1");
        _playwright = await Playwright.CreateAsync();
        _chromium = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox"] });
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
        await _home.DisposeAsync();
    }

    public static TheoryData<string, int, int, ColorScheme> Screens => new()
    {
        { "phone-light", 390, 844, ColorScheme.Light }, { "phone-dark", 390, 844, ColorScheme.Dark },
        { "desktop-light", 1280, 850, ColorScheme.Light }, { "desktop-dark", 1280, 850, ColorScheme.Dark },
    };

    [Theory, MemberData(nameof(Screens))]
    public async Task Every_page_fits_its_screen_and_breaks_no_rule_of_its_own(string name, int width, int height, ColorScheme colours)
    {
        await RichHome.AskAsync(_home.Record, Now);
        await RichHome.AttackAsync(_home.Record, Now);
        var page = await ClaimAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = height }, ColorScheme = colours, DeviceScaleFactor = width < 500 ? 2 : 1 });
        var state = _home.Record.Current;
        var pages = new (string Name, string Path)[]
        {
            ("home", "/"), ("thing", Path(RichHome.Recorder)), ("plug", Path(RichHome.Plug)), ("question", $"/questions/{state.OpenQuestions.First().Id}"),
            ("incident", $"/incidents/{state.OpenFindings.First().Id}"), ("journal", "/journal"), ("settings", "/settings"),
        };

        foreach (var (title, path) in pages)
        {
            await page.GotoAsync(path);
            await page.WaitForTimeoutAsync(400);
            await ShootAsync(page, $"{title}-{name}");
            Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth") <= 0, $"{title} is wider than the screen");
            var small = await page.EvaluateAsync<string[]>("[...document.querySelectorAll('button, .tab')].filter(e => e.offsetHeight < 34).map(e => e.textContent)");
            Assert.Empty(small);
        }

        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task In_two_taps_one_learns_why_the_plugs_cloud_does_not_work()
    {
        await RichHome.AskAsync(_home.Record, Now);
        await _home.Record.ApplyAsync(new QuestionAnswered(_home.Record.Current.OpenQuestions.First().Id, Answer.No) { At = Now }, CancellationToken.None);
        var page = await ClaimAsync(Phone());

        await page.GetByText("Tasmota Sonoff Basic").First.ClickAsync();

        var text = await page.InnerTextAsync("main");
        Assert.Contains("mqtt.plug.example", text, StringComparison.Ordinal);
        Assert.Contains("You said “not now”", text, StringComparison.Ordinal);
        Assert.Contains("this does not work: Switching it from outside the house.", text, StringComparison.Ordinal);
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Allow after all" }).ClickAsync();
        Assert.Contains(_home.Record.Current.Permissions.Values, permission => permission.Name == "mqtt.plug.example");
    }

    [Fact]
    public async Task Without_JavaScript_everything_can_be_done()
    {
        await RichHome.AskAsync(_home.Record, Now);
        await RichHome.AttackAsync(_home.Record, Now);
        var options = Phone();
        options.JavaScriptEnabled = false;
        var page = await ClaimAsync(options);

        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "OK", Exact = true }).ClickAsync();
        Assert.Contains("may reach mqtt.plug.example now", await page.InnerTextAsync("main"), StringComparison.Ordinal);

        await page.GetByText("See what happened").ClickAsync();
        Assert.True(await page.Locator("svg path.stopped").CountAsync() == 1);
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Update it and let it in again" }).ClickAsync();

        Assert.NotNull(_home.Record.Current.UpdateUnderWay(RichHome.Recorder));
        Assert.Contains("Updating from 1.0.0 to 1.1.0", await page.InnerTextAsync("main"), StringComparison.Ordinal);
        await ShootAsync(page, "cure-without-javascript");
    }

    [Fact]
    public async Task An_open_page_shows_what_happens_and_keeps_what_is_being_typed()
    {
        var page = await ClaimAsync(Phone());
        await page.GotoAsync(Path(RichHome.Plug));
        await page.FillAsync("#name", "Plug in the kit");
        await page.ClickAsync("summary");

        await RichHome.AskAsync(_home.Record, Now);

        await page.GetByText("May Tasmota Sonoff Basic reach mqtt.plug.example?").WaitForAsync();
        Assert.Equal("Plug in the kit", await page.InputValueAsync("#name"));
        Assert.True(await page.EvaluateAsync<bool>("document.querySelector('details').open"));
        Assert.Equal(1, await page.Locator(".uplot").CountAsync());
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_name_that_is_a_script_is_only_a_name()
    {
        await _home.ApplyAsync(at => new ThingSeen(RichHome.Stranger, null, RichHome.HostileName) { At = at });
        var page = await ClaimAsync(Phone());
        var ran = false;
        page.Dialog += (_, dialog) =>
        {
            ran = true;
            _ = dialog.DismissAsync();
        };

        foreach (var path in (string[])["/", Path(RichHome.Stranger), "/journal"])
        {
            await page.GotoAsync(path);
            await page.WaitForTimeoutAsync(200);
        }

        Assert.False(ran);
        Assert.Empty(_complaints);
    }

    private async Task<IPage> ClaimAsync(BrowserNewContextOptions options)
    {
        options.BaseURL = $"http://{_home.Lan}";
        var context = await _chromium.NewContextAsync(options);
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") _complaints.Add($"{page.Url}: {message.Text}");
        };
        var code = (await File.ReadAllTextAsync(System.IO.Path.Combine(_home.RunFolder, "claim-code"))).Trim();
        await page.GotoAsync("/claim?code=" + code);
        await page.FillAsync("[name=passphrase]", Passphrase);
        await page.FillAsync("[name=again]", Passphrase);
        await page.ClickAsync("button");
        return page;
    }

    private static BrowserNewContextOptions Phone() => new() { ViewportSize = new ViewportSize { Width = 390, Height = 844 }, DeviceScaleFactor = 2 };

    private static string Path(Gatehouse.Wire.MacAddress mac) => "/things/" + mac.ToString().Replace(':', '-');

    private static async Task ShootAsync(IPage page, string name)
    {
        // On a picture of the whole page the bar at the lower edge would lie across the middle.
        await page.EvaluateAsync("{ const tabs = document.querySelector('.tabs'); if (tabs) tabs.style.position = 'static'; }");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = System.IO.Path.Combine(ScreenshotFolder, name + ".png"), FullPage = true });
    }

    /// <summary><c>out/screenshots</c> of the checkout.</summary>
    private static string ScreenshotFolder { get; } = FindFolder();

    private static string FindFolder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(folder, "Gatehouse.slnx"))) folder = System.IO.Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Gatehouse.slnx is in no folder above.");
        return Directory.CreateDirectory(System.IO.Path.Combine(folder, "out", "screenshots")).FullName;
    }
}
