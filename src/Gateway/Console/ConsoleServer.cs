using Gatehouse.Home;
using Gatehouse.Console.Control;
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
    private readonly ControlApi _control;
    private readonly ILoggerFactory _loggers;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConsoleServer(HomeRecord record, ConsoleOptions options, ITrafficHistory traffic, IFenceCounters counters, ILoggerFactory loggers)
    {
        (_record, _options, _loggers) = (record, options, loggers);
        var actions = new OwnerActions(record);
        _control = new ControlApi(record, actions, counters);
        _ = traffic;
    }

    /// <summary>Ends when every door is open, or fails with why they could not be opened.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="GatewayRunsAlreadyException">Another gateway uses the run folder.</exception>
    /// <exception cref="IOException">An address is in use, or the folder cannot be written.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.RunFolder);
        await using var app = Build();
        try
        {
            await app.StartAsync(cancellationToken);
            _ready.SetResult();
        }
        catch (Exception failure)
        {
            _ready.SetException(failure);
            throw;
        }

        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Connections are given a moment to end.
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
        kestrel.ListenUnixSocket(Path.Combine(_options.RunFolder, "control.sock"), By(Door.Control));
    }

    private static Action<ListenOptions> By(Door door) => listen =>
    {
        listen.Protocols = HttpProtocols.Http1;
        var feature = new DoorFeature(door);
        listen.Use(next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        });
    };

    private Task HandleAsync(HttpContext context) => context.Features.Get<DoorFeature>()!.Door switch
    {
        Door.Control => _control.HandleAsync(context),
        _ => Task.CompletedTask,
    };

    /// <summary>The program's own life is not the web server's business.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
