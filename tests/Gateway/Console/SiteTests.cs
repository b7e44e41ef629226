using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Gatehouse.Home;
using Xunit;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>The owner's pages, and everybody else's attempts at them.</summary>
public sealed partial class SiteTests : IAsyncLifetime
{
    private const string Passphrase = "three small words";
    private ConsoleHome _home = null!;

    public async ValueTask InitializeAsync() => _home = await ConsoleHome.StartAsync();

    public ValueTask DisposeAsync() => _home.DisposeAsync();

    [Fact]
    public async Task A_new_gateway_leads_to_its_claim_and_the_code_works_once()
    {
        using var browser = new Browser(_home);
        Assert.Equal("/claim", (await browser.GetAsync("/")).Path);
        var code = await ReadCodeAsync();

        var claimed = await browser.PostAsync("/claim", ("code", code), ("passphrase", Passphrase), ("again", Passphrase));

        Assert.Equal((200, "/"), (claimed.Status, claimed.Path));
        Assert.False(File.Exists(Path.Combine(_home.RunFolder, "claim-code")));
        using var other = new Browser(_home);
        await other.GetAsync("/claim");
        Assert.Equal(422, (await other.PostAsync("/claim", ("code", code), ("passphrase", "another passphrase"), ("again", "another passphrase"))).Status);
    }

    [Theory]
    [InlineData("WRONG-CODE", Passphrase, Passphrase)]
    [InlineData("", Passphrase, Passphrase)]
    [InlineData(null, "short", "short")]
    [InlineData(null, Passphrase, "something else")]
    public async Task A_claim_that_is_not_right_leaves_the_gateway_unclaimed(string? code, string passphrase, string again)
    {
        using var browser = new Browser(_home);
        await browser.GetAsync("/claim");

        var answer = await browser.PostAsync("/claim", ("code", code ?? await ReadCodeAsync()), ("passphrase", passphrase), ("again", again));

        Assert.Equal(422, answer.Status);
        Assert.True(File.Exists(Path.Combine(_home.RunFolder, "claim-code")));
    }

    [Fact]
    public async Task Only_the_owner_may_read_the_claim_code() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, await Task.FromResult(File.GetUnixFileMode(Path.Combine(_home.RunFolder, "claim-code"))));

    [Fact]
    public async Task Nobody_sees_a_page_without_signing_in()
    {
        await _home.FurnishAsync();
        using (var owner = await ClaimAsync()) await owner.GetAsync("/");
        using var stranger = new Browser(_home);

        foreach (var path in (string[])["/", "/things/02-00-00-00-00-01", "/questions/1", "/journal", "/settings", "/live", "/things/02-00-00-00-00-01/traffic", "/nowhere"])
            Assert.Equal("/sign-in", (await stranger.GetAsync(path)).Path);
    }

    [Fact]
    public async Task Signing_in_signing_out_and_a_restart()
    {
        using var owner = await ClaimAsync();
        await _home.RestartAsync();
        Assert.Equal("/settings", (await owner.GetAsync("/settings")).Path);

        await owner.PostAsync("/sign-out");
        Assert.Equal("/sign-in", (await owner.GetAsync("/")).Path);

        Assert.Equal(422, (await owner.PostAsync("/sign-in", ("passphrase", "not this one"))).Status);
        Assert.Equal("/", (await owner.PostAsync("/sign-in", ("passphrase", Passphrase))).Path);
    }

    [Fact]
    public async Task A_form_without_the_right_token_does_nothing()
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        await owner.GetAsync("/");

        foreach (var token in (string[])["", "0000", new string('a', 64)])
            Assert.Equal(403, (await owner.PostAsync("/questions/1/yes", ("token", token))).Status);

        Assert.Equal(Answer.None, _home.Record.Current.Questions[1].Answer);
    }

    [Fact]
    public async Task A_token_of_another_browser_does_not_fit()
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        using var stranger = new Browser(_home);
        await stranger.GetAsync("/sign-in");

        Assert.Equal(403, (await owner.PostAsync("/questions/1/yes", ("token", stranger.Token))).Status);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_form_of_another_site_does_nothing(string header, string value)
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        await owner.GetAsync("/");
        owner.Headers[header] = value;

        Assert.Equal(403, (await owner.PostAsync("/questions/1/yes")).Status);
        Assert.Equal(Answer.None, _home.Record.Current.Questions[1].Answer);
    }

    [Theory]
    [InlineData("evil.example", 421)]
    [InlineData("evil.example:8080", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("localhost", 200)]
    [InlineData("127.0.0.1:8080", 200)]
    [InlineData("192.168.77.1", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("gatehouse.home.arpa", 200)]
    public async Task A_name_rebound_to_this_machine_gets_nothing(string host, int expected)
    {
        using var owner = await ClaimAsync();
        owner.Headers["Host"] = host;

        Assert.Equal(expected, (await owner.GetAsync("/")).Status);
    }

    [Fact]
    public async Task Every_answer_forbids_inline_code_frames_and_guessing_of_types()
    {
        using var owner = await ClaimAsync();
        foreach (var path in (string[])["/", "/settings", "/nowhere", "/assets/console.css", "/sign-in"])
        {
            var answer = await owner.GetAsync(path);
            var policy = answer.Header("Content-Security-Policy");

            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        }
    }

    [Fact]
    public async Task No_page_holds_inline_code_or_style()
    {
        await FillAsync();
        using var owner = await ClaimAsync();

        foreach (var path in EveryPage()) Assert.DoesNotMatch(Inline(), (await owner.GetAsync(path)).Body);
    }

    [Fact]
    public async Task A_things_text_is_escaped_everywhere()
    {
        await FillAsync();
        await _home.ApplyAsync(at => new ThingIdentified(RichHome.Stranger, new Identity
        {
            Vendor = new Claim(RichHome.HostileName, 1, [new Evidence(RichHome.HostileName, RichHome.HostileName)]), Kind = new Claim(RichHome.HostileName, 1, []),
            Firmware = new Claim(RichHome.HostileName, 1, []), ClassEvidence = [new Evidence("mDNS", RichHome.HostileName)],
        }, DeviceClass.Thing) { At = at });
        await _home.ApplyAsync(at => new QuestionAsked(RichHome.Stranger, QuestionKind.IsComputer, RichHome.HostileName, [], RichHome.HostileName) { At = at });
        await _home.ApplyAsync(at => new FindingOpened(RichHome.Stranger, "x", FindingKind.Anomaly, Certainty.Suspected, RichHome.HostileName, [new EvidenceItem("a", RichHome.HostileName)]) { At = at });
        using var owner = await ClaimAsync();

        foreach (var path in EveryPage())
        {
            var body = (await owner.GetAsync(path)).Body;
            Assert.DoesNotContain("<script>alert", body, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<img", body, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("&lt;script&gt;alert(1)", (await owner.GetAsync("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_forms_answer_questions_name_things_and_update()
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        await owner.GetAsync("/");

        var answered = await owner.PostAsync("/questions/1/yes");
        Assert.Contains("may reach mqtt.plug.example now, and nothing else.", answered.Body, StringComparison.Ordinal);
        Assert.Equal("mqtt.plug.example", Assert.Single(_home.Record.Current.Permissions.Values).Name);

        await owner.PostAsync($"/permissions/{_home.Record.Current.Permissions.Keys.Single()}/revoke");
        Assert.Empty(_home.Record.Current.Permissions);
        Assert.Equal(Answer.No, _home.Record.Current.Questions[1].Answer);

        await owner.PostAsync("/things/02-00-00-00-00-01/name", ("name", "Plug in the kitchen"));
        await owner.PostAsync("/things/02-00-00-00-00-02/update");
        await owner.PostAsync("/things/02-00-00-00-00-02/quarantine");
        await owner.PostAsync("/panic", ("value", "on"));
        await owner.PostAsync("/mode", ("value", "watching"));
        var state = _home.Record.Current;
        Assert.Equal("Plug in the kitchen", state.Things[ConsoleHome.Plug].OwnerName);
        Assert.NotNull(state.UpdateUnderWay(ConsoleHome.Recorder));
        Assert.Equal(Restraint.CutOff, state.Things[ConsoleHome.Recorder].Restraint);
        Assert.NotNull(state.PanicUntil);
        Assert.Equal(GuardMode.Watching, state.Mode);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    public async Task A_forged_way_back_leads_home(string back)
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        await owner.GetAsync("/");

        Assert.Equal("/", (await owner.PostAsync("/questions/1/no", ("back", back))).Path);
    }

    [Fact]
    public async Task Guessing_stops_strangers_but_not_a_browser_the_owner_has_used()
    {
        using var owner = await ClaimAsync();
        await owner.PostAsync("/sign-out");
        using var stranger = new Browser(_home);
        await stranger.GetAsync("/sign-in");
        string body;
        var tries = 0;
        do body = (await stranger.PostAsync("/sign-in", ("passphrase", "guess number " + tries))).Body;
        while (!body.Contains("Too many tries", StringComparison.Ordinal) && ++tries < 50);

        Assert.InRange(tries, 5, 20);
        Assert.Contains("Too many tries", (await stranger.PostAsync("/sign-in", ("passphrase", Passphrase))).Body, StringComparison.Ordinal);

        await owner.GetAsync("/sign-in");
        Assert.Equal("/", (await owner.PostAsync("/sign-in", ("passphrase", Passphrase))).Path);
    }

    [Fact]
    public async Task Who_forgot_the_passphrase_gets_a_code_on_the_gateway_itself()
    {
        using var owner = await ClaimAsync();
        using var control = new Gatehouse.Console.Control.ControlClient(_home.RunFolder);
        var code = (await control.MakeCodeAsync(CancellationToken.None)).Code;
        using var phone = new Browser(_home);
        await phone.GetAsync("/claim");

        Assert.Equal("/", (await phone.PostAsync("/claim", ("code", code.ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal)), ("passphrase", "a new passphrase"), ("again", "a new passphrase"))).Path);
        Assert.Equal("/sign-in", (await owner.GetAsync("/")).Path);
    }

    [Fact]
    public async Task Open_pages_hear_of_changes()
    {
        await _home.FurnishAsync();
        using var owner = await ClaimAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var stream = await owner.OpenAsync("/live", limit.Token);
        using var reader = new StreamReader(stream);
        Assert.Equal("retry: 2000", await reader.ReadLineAsync(limit.Token));

        await _home.ApplyAsync(at => new ThingNamed(ConsoleHome.Plug, "Plug") { At = at });

        string? line;
        while ((line = await reader.ReadLineAsync(limit.Token)) is not "event: changed") Assert.NotNull(line);
    }

    [Fact]
    public async Task Each_door_leads_to_one_thing_only()
    {
        using var owner = await ClaimAsync();
        Assert.Equal(404, (await owner.GetAsync("/v1/things")).Status);

        using var control = new Browser(_home, "control.sock");
        Assert.Equal(404, (await control.GetAsync("/settings")).Status);
    }

    [Fact]
    public async Task The_lan_address_answers_computers_only()
    {
        await _home.ApplyAsync(at => new ThingSeen(ConsoleHome.Laptop, IPAddress.Loopback, "laptop") { At = at });
        using var http = new HttpClient();
        await Assert.ThrowsAnyAsync<Exception>(() => http.GetAsync(new Uri($"http://{_home.Lan}/sign-in")));

        await _home.ApplyAsync(at => new ClassChosen(ConsoleHome.Laptop, DeviceClass.Computer) { At = at });
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri($"http://{_home.Lan}/claim"))).StatusCode);
    }

    [Fact]
    public async Task A_fenced_device_sees_why_and_is_reported()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{_home.Fenced}/generate_204");
        request.Headers.Host = "connectivitycheck.example";
        request.Headers.UserAgent.ParseAdd("Mozilla/5.0");

        var answer = await http.SendAsync(request);

        Assert.Equal(511, (int)answer.StatusCode);
        Assert.Contains("This device is fenced", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var visit = Assert.Single(_home.Visits);
        Assert.Equal(("connectivitycheck.example", "/generate_204", "Mozilla/5.0", false), (visit.Host, visit.Path, visit.UserAgent, visit.AsksToBeLetOut));
    }

    [Fact]
    public async Task A_fenced_device_cannot_use_up_the_consoles_connections()
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < 40; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            try
            {
                await socket.ConnectAsync(_home.Fenced);
            }
            catch (SocketException)
            {
                // Closed at once: the limit at work.
            }
        }

        using var browser = new Browser(_home);
        Assert.Equal(200, (await browser.GetAsync("/claim")).Status);
        sockets.ForEach(socket => socket.Dispose());
    }

    private async Task FillAsync()
    {
        var now = DateTimeOffset.UtcNow;
        await RichHome.MoveInAsync(_home.Record, now);
        await RichHome.AskAsync(_home.Record, now);
        await RichHome.AttackAsync(_home.Record, now);
        await _home.ApplyAsync(at => new ThingSeen(RichHome.Stranger, null, RichHome.HostileName) { At = at });
    }

    private IEnumerable<string> EveryPage()
    {
        var state = _home.Record.Current;
        return
        [
            "/", "/journal", "/settings", "/claim", "/sign-in", "/nowhere", .. state.Things.Keys.Select(mac => "/things/" + mac.ToString().Replace(':', '-')),
            .. state.Questions.Keys.Select(id => $"/questions/{id}"), .. state.Findings.Keys.Select(id => $"/incidents/{id}"),
        ];
    }

    private async Task<string> ReadCodeAsync() => (await File.ReadAllTextAsync(Path.Combine(_home.RunFolder, "claim-code"))).Trim();

    private async Task<Browser> ClaimAsync()
    {
        var browser = new Browser(_home);
        await browser.GetAsync("/claim");
        await browser.PostAsync("/claim", ("code", await ReadCodeAsync()), ("passphrase", Passphrase), ("again", Passphrase));
        return browser;
    }

    [GeneratedRegex("""<script(?![^>]*\bsrc=)|<[a-z]+(?:\s+[a-z:-]+(?:=(?:"[^"]*"|'[^']*'))?)*\s+(on[a-z]+|style)\s*=|<style|<[a-z][^>]*=["']?\s*javascript:""", RegexOptions.IgnoreCase)]
    private static partial Regex Inline();
}
