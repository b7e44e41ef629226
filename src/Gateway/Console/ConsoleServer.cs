using System.Net;
using Gatehouse.Console.Control;
using Gatehouse.Console.Entry;
using Gatehouse.Home;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gatehouse.Console;

/// <summary>
/// Pages and API for the owner. Every connection comes in by one <see cref="Door"/>, and each door leads to one thing only: the sockets and the LAN
/// address to the pages (the LAN address for computers only), <c>control.sock</c> to the API, the fenced door to one small page.
/// </summary>
public sealed class ConsoleServer
{
    /// <summary>The largest request body: forms and small JSON.</summary>
    public const int MaxRequestBytes = 64 * 1024;

    /// <summary>Connections at once over all doors; the fenced door has a smaller limit of its own, so that Things cannot use these up.</summary>
    public const int MaxConnections = 256;

    private readonly HomeRecord _record;
    private readonly ConsoleOptions _options;
    private readonly ITrafficHistory _traffic;
    private readonly IFenceCounters _counters;
    private readonly FencedDoor _fenced;
    private readonly LiveFeed _live;
    private readonly OwnerActions _actions;
    private readonly ILoggerFactory _loggers;
    private CancellationToken _stopping;
    private Site? _site;
    private ControlApi? _control;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="onFencedVisit">Is told of every plain HTTP request of a fenced device. Must not block.</param>
    public ConsoleServer(HomeRecord record, ConsoleOptions options, ITrafficHistory traffic, IFenceCounters counters, ILoggerFactory loggers, Action<FencedVisit>? onFencedVisit = null)
    {
        (_record, _options, _traffic, _counters, _loggers) = (record, options, traffic, counters, loggers);
        _fenced = new FencedDoor(record, onFencedVisit ?? (_ => { }));
        _live = new LiveFeed(record);
        _actions = new OwnerActions(record);
    }

    /// <summary>Ends when every door is open, or fails with why they could not be opened.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="GatewayRunsAlreadyException">Another gateway uses the run folder.</exception>
    /// <exception cref="IOException">An address is in use, or the folder cannot be written.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.RunFolder);
        using var stop = new CancellationTokenSource();
        _stopping = stop.Token;
        using var gate = await Gate.OpenAsync(_record, _options.RunFolder, cancellationToken);
        _site = new Site(_record, _actions, gate, _live, _traffic, _counters, _options.HostNames);
        _control = new ControlApi(_record, _actions, _counters, gate);
        await using var app = Build();
        try
        {
            await app.StartAsync(cancellationToken);
            _ready.TrySetResult();
        }
        catch (Exception failure)
        {
            _ready.TrySetException(failure);
            throw;
        }

        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Pages that listen are told to end; other connections are given a moment.
        await stop.CancelAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(patience.Token);
    }

    private WebApplication Build()
    {
        // Empty: no settings files, no environment variables, no signal handlers. What the console does is in this file.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "gatehouse", ContentRootPath = _options.RunFolder });
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NoSignals>());
        builder.Services.Replace(ServiceDescriptor.Singleton(_loggers));
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.CreateBoundListenSocket = Sockets.Bind).ConfigureKestrel(Listen);
        var app = builder.Build();
        app.Run(HandleAsync);
        return app;
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.ListenUnixSocket(Path.Combine(_options.RunFolder, "control.sock"), listen => Open(listen, Door.Control));
        kestrel.ListenUnixSocket(Path.Combine(_options.RunFolder, "console.sock"), listen => Open(listen, Door.Socket));
        if (_options.Lan is { } lan)
        {
            kestrel.Listen(lan, listen =>
            {
                listen.Use(OnlyComputers);
                Open(listen, Door.Lan);
            });
        }

        if (_options.Fenced is { } fenced)
        {
            kestrel.Listen(fenced, listen =>
            {
                listen.Use(new ConnectionLimit(FencedDoor.MaxConnections, FencedDoor.MaxConnectionsPerPeer).Around);
                Open(listen, Door.Fenced);
            });
        }
    }

    private static void Open(ListenOptions listen, Door door)
    {
        listen.Protocols = HttpProtocols.Http1;
        var feature = new DoorFeature(door);
        listen.Use(next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        });
    }

    /// <summary>
    /// Closes connections of anything but computers before a byte is read. The fence keeps Things away from this port by their MAC addresses; this is the
    /// second lock, for where the fence is down.
    /// </summary>
    private ConnectionDelegate OnlyComputers(ConnectionDelegate next) => connection =>
    {
        var peer = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (peer is not null && _record.Current.Things.Values.Any(thing => thing.Class == DeviceClass.Computer && peer.Equals(thing.Address))) return next(connection);

        connection.Abort();
        return Task.CompletedTask;
    };

    private async Task HandleAsync(HttpContext context)
    {
        var door = context.Features.Get<DoorFeature>()!.Door;
        try
        {
            await (door switch
            {
                Door.Control => _control!.HandleAsync(context),
                Door.Fenced => _fenced.HandleAsync(context),
                _ => _site!.HandleAsync(context, door, _stopping),
            });
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException refused)
        {
            if (!context.Response.HasStarted) context.Response.StatusCode = refused.StatusCode;
        }
        catch (InvalidDataException)
        {
            // A form that is none, or one with more fields than any of ours.
            if (!context.Response.HasStarted) context.Response.StatusCode = StatusCodes.Status400BadRequest;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser went away.
        }
    }

    /// <summary>The program's own life is not the web server's business.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
