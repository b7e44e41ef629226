using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Gatehouse.Console.Notices;
using Gatehouse.Home;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>What is pushed to the owner, and what happens while nobody takes it.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly string _folder = Directory.CreateTempSubdirectory("gh-hook-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly Receiver _receiver = new();
    private HomeRecord _record = null!;
    private Webhook _webhook = null!;
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync()
    {
        _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), _time);
        _webhook = new Webhook(_record, new Uri("http://hook.example/secret-key"), _receiver, NullLogger<Webhook>.Instance);
        _running = _webhook.RunAsync(_stop.Token);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_question_a_finding_and_an_update_result_are_posted_and_nothing_else()
    {
        await RichHome.MoveInAsync(_record, _time.GetUtcNow());
        await ApplyAsync(new FindingOpened(RichHome.Recorder, "scan.telnet", FindingKind.Scan, Certainty.Suspected, "It scans.", []) { At = _time.GetUtcNow() });
        await ApplyAsync(new OfferMade(RichHome.Recorder, "anvil", "a.swu", "1.1.0", "aa", true, []) { At = _time.GetUtcNow() });
        await ApplyAsync(new UpdateBegun(_record.Current.Offers.Keys.Single(), "1.0.0", "test") { At = _time.GetUtcNow() });
        await ApplyAsync(new UpdateStepped(_record.Current.Updates.Keys.Single(), UpdateState.Done, "It is well.", []) { At = _time.GetUtcNow() });

        var taken = await _receiver.TakeAsync(4);

        Assert.Equal(["question", "question", "finding", "update"], taken.Select(notice => notice.GetProperty("event").GetString()));
        Assert.Equal("May Anvil DVR4 reach cloud.anvil.example?", taken[0].GetProperty("title").GetString());
        Assert.Equal("Anvil DVR4 was updated to 1.1.0", taken[3].GetProperty("title").GetString());
        Assert.Equal(0, _receiver.Waiting);
    }

    [Fact]
    public async Task A_receiver_that_is_down_is_asked_again_with_growing_pauses()
    {
        _receiver.Answers.Enqueue(HttpStatusCode.BadGateway);
        _receiver.Answers.Enqueue(HttpStatusCode.InternalServerError);
        await AskAsync();

        await _receiver.CalledAsync(1);
        _time.Advance(Webhook.FirstPause);
        await _receiver.CalledAsync(2);
        _time.Advance(Webhook.FirstPause);
        Assert.Equal(2, _receiver.Calls);
        _time.Advance(Webhook.FirstPause);
        await _receiver.CalledAsync(3);

        Assert.Single(await _receiver.TakeAsync(1));
        Assert.Equal(0, _webhook.Lost);
    }

    [Fact]
    public async Task A_receiver_that_never_takes_it_costs_one_notice_not_the_queue()
    {
        for (var i = 0; i < Webhook.MaxTries; i++) _receiver.Answers.Enqueue(HttpStatusCode.NotFound);
        await AskAsync();
        var pause = Webhook.FirstPause;
        for (var i = 1; i < Webhook.MaxTries; i++, pause *= 2)
        {
            await _receiver.CalledAsync(i);
            await AdvanceUntilAsync(i + 1, pause);
        }

        await ApplyAsync(new QuestionAsked(ConsoleHome.Plug, QuestionKind.Reach, "other.example", [], "") { At = _time.GetUtcNow() });

        Assert.Single(await _receiver.TakeAsync(1));
        Assert.Equal(1, _webhook.Lost);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _record.DisposeAsync();
        _receiver.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task AskAsync()
    {
        await ApplyAsync(new ThingSeen(ConsoleHome.Plug, null, "plug") { At = _time.GetUtcNow() });
        await ApplyAsync(new QuestionAsked(ConsoleHome.Plug, QuestionKind.Reach, "cloud.example", [], "") { At = _time.GetUtcNow() });
    }

    private Task<HomeState> ApplyAsync(Change change) => _record.ApplyAsync(change, CancellationToken.None);

    // The pause begins a moment after the answer: the clock is moved until the next call is there.
    private async Task AdvanceUntilAsync(int calls, TimeSpan pause)
    {
        while (_receiver.Calls < calls)
        {
            _time.Advance(pause);
            await Task.Delay(5);
        }
    }

    /// <summary>Takes posts, or refuses as many as told to.</summary>
    private sealed class Receiver : HttpMessageHandler
    {
        private readonly ConcurrentQueue<JsonElement> _taken = new();
        private int _calls;

        public ConcurrentQueue<HttpStatusCode> Answers { get; } = new();
        public int Calls => Volatile.Read(ref _calls);
        public int Waiting => _taken.Count;

        public async Task CalledAsync(int times)
        {
            while (Calls < times) await Task.Delay(5);
            await Task.Delay(30);
        }

        public async Task<List<JsonElement>> TakeAsync(int count)
        {
            var taken = new List<JsonElement>();
            while (taken.Count < count)
            {
                if (_taken.TryDequeue(out var notice)) taken.Add(notice);
                else await Task.Delay(5);
            }

            return taken;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var text = await request.Content!.ReadAsStringAsync(cancellationToken);
            var refused = Answers.TryDequeue(out var status);
            if (!refused) _taken.Enqueue(JsonDocument.Parse(text).RootElement);
            Interlocked.Increment(ref _calls);
            return new HttpResponseMessage(refused ? status : HttpStatusCode.NoContent);
        }
    }
}
