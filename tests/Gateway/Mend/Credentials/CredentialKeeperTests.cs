using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Gatehouse.Home;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Credentials.HttpCgi;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend.Credentials;

/// <summary>Passwords are replaced in an order that locks nobody out, on Things that help and Things that do not.</summary>
public sealed class CredentialKeeperTests
{
    /// <summary>A row for every method of the table.</summary>
    public static TheoryData<string> Methods => ["telnet-passwd", "http-cgi"];

    [Fact]
    public void Every_method_of_the_table_is_under_contract() => Assert.Equal(RotationMethods.All.Select(method => method.Name).Order(), Methods.Select(row => row.Data).Order());

    [Theory, MemberData(nameof(Methods))]
    public async Task The_known_password_is_replaced_and_refused_from_then_on(string method)
    {
        await using var door = new Door(method);

        var secured = await door.SecureAsync();

        Assert.Equal(SecuredBy.Rotation, secured.By);
        Assert.Equal(await door.KeptAsync(), door.Password);
        Assert.NotEqual("xc3511", door.Password);
        Assert.Equal(PasswordMaker.UsualLength, door.Password.Length);
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task A_second_time_nothing_is_changed(string method)
    {
        await using var door = new Door(method);
        await door.SecureAsync();
        var first = door.Password;

        var secured = await door.SecureAsync();

        Assert.Equal((SecuredBy.Rotation, first), (secured.By, door.Password));
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task An_owners_own_password_is_left_alone(string method)
    {
        await using var door = new Door(method) { Password = "grandmother" };

        var secured = await door.SecureAsync();

        Assert.Equal((SecuredBy.OwnPassword, "grandmother"), (secured.By, door.Password));
        Assert.Null(await door.KeptAsync());
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task After_a_reset_to_the_factorys_the_vaults_password_is_set_again(string method)
    {
        await using var door = new Door(method);
        await door.SecureAsync();
        var kept = door.Password;
        door.Password = "xc3511";

        var secured = await door.SecureAsync();

        Assert.Equal((SecuredBy.Rotation, kept), (secured.By, door.Password));
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task A_Thing_that_only_says_it_changed_is_not_believed(string method)
    {
        await using var door = new Door(method) { OnlyPretends = true };

        var secured = await door.SecureAsync();

        Assert.False(secured.IsSafe);
        Assert.Contains("still has the password it was shipped with", secured.Describe(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task A_service_that_is_shut_needs_no_password(string method)
    {
        await using var door = new Door(method) { IsShut = true };

        Assert.Equal(SecuredBy.ClosedService, (await door.SecureAsync()).By);
    }

    [Theory, MemberData(nameof(Methods))]
    public async Task Killed_between_any_two_steps_nobody_is_locked_out(string method)
    {
        var places = 0;
        for (var look = 1; ; look++)
        {
            await using var door = new Door(method);
            door.Clock.KillAtLook = door.Clock.Looks + look;
            try
            {
                await door.SecureAsync();
                break;
            }
            catch (KilledException)
            {
                places++;
                await door.RestartAsync();
            }

            Assert.Equal(SecuredBy.Rotation, (await door.SecureAsync()).By);
            Assert.Equal(await door.KeptAsync(), door.Password);
        }

        Assert.InRange(places, 2, 20);
    }

    [Theory]
    [InlineData("telnet-passwd", false)]
    [InlineData("telnet-passwd", true)]
    [InlineData("http-cgi", false)]
    [InlineData("http-cgi", true)]
    public async Task Power_lost_while_it_changes_the_password_locks_nobody_out(string method, bool afterChange)
    {
        await using var door = new Door(method);
        var once = true;
        door.Changing = isAfter =>
        {
            if (isAfter != afterChange || !once) return;
            once = false;
            throw new IOException("power lost");
        };

        var first = await door.SecureAsync();
        var second = first.IsSafe ? first : await door.SecureAsync();

        Assert.Equal(SecuredBy.Rotation, second.By);
        Assert.Equal(await door.KeptAsync(), door.Password);
    }

    [Fact]
    public async Task A_Thing_that_locks_after_three_wrong_passwords_is_not_locked()
    {
        await using var door = new Door("telnet-passwd");
        door.Telnet.LocksAfter = 3;

        for (var i = 0; i < 4; i++) Assert.Equal(SecuredBy.Rotation, (await door.SecureAsync()).By);

        Assert.InRange(door.Telnet.MostWrongInARow, 0, 2);
    }

    [Fact]
    public async Task Between_two_tries_there_is_a_pause()
    {
        await using var door = new Door("telnet-passwd");
        var tries = new List<DateTimeOffset>();
        door.Connecting = () => tries.Add(door.Clock.Now);

        await door.SecureAsync();

        // The change itself signs in right after the try that found the way in.
        var pauses = tries.Zip(tries.Skip(1), (one, next) => next - one).Where(pause => pause < CredentialKeeper.TryInterval);
        Assert.Single(pauses);
        Assert.InRange(tries.Count, 3, CredentialKeeper.MaxTries + 1);
    }

    [Fact]
    public async Task A_pack_that_cannot_be_used_is_said_to_be_so()
    {
        await using var door = new Door("http-cgi", parameters: ImmutableDictionary<string, string>.Empty.Add("verify-path", "admin"));

        var secured = await door.SecureAsync();

        Assert.False(secured.IsSafe);
        Assert.Contains("'change-path' is missing", secured.Why, StringComparison.Ordinal);
        Assert.Contains("'verify-path' should begin with '/'", secured.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_are_long_and_differ()
    {
        var made = Enumerable.Range(0, 1000).Select(_ => PasswordMaker.Make()).ToHashSet();

        Assert.Equal(1000, made.Count);
        Assert.All(made, password => Assert.True(password.Length == PasswordMaker.UsualLength && password.All(PasswordMaker.Alphabet.Contains)));
        Assert.Equal(PasswordMaker.MinLength, PasswordMaker.Make(3).Length);
    }

    /// <summary>One account behind telnet or a web form, and a keeper with a real vault.</summary>
    private sealed class Door : IDeviceNetwork, IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-door-").FullName;
        private readonly string _method;
        private readonly ImmutableDictionary<string, string> _parameters;
        private readonly Pack _pack;
        private HomeRecord _record;

        public Door(string method, ImmutableDictionary<string, string>? parameters = null)
        {
            _method = method;
            _parameters = parameters ?? (method == "http-cgi"
                ? ImmutableDictionary<string, string>.Empty.Add("verify-path", "/admin").Add("change-path", "/cgi-bin/password").Add("new-field", "new").Add("old-field", "old")
                : ImmutableDictionary<string, string>.Empty);
            var (service, port) = method == "http-cgi" ? ("http", 80) : ("telnet", 23);
            var json = $$"""
                {"pack":"anvil/door","vendor":"Anvil","model":"door","kind":"lock","recognise":[],
                 "credentials":[{"service":"{{service}}","port": {{port}} ,"user":"root","password":"xc3511"}],
                 "rotate":{"method":"{{method}}","parameters": {{System.Text.Json.JsonSerializer.Serialize(_parameters)}} } }
                """;
            var packs = Directory.CreateDirectory(Path.Combine(_folder, "anvil"));
            File.WriteAllText(Path.Combine(packs.FullName, "door.json"), json);
            var library = PackLibrary.Load([_folder]);
            _pack = library.Find("anvil/door") ?? throw new InvalidOperationException(string.Join("\n", library.Faults));
            _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), Clock);
        }

        public JumpingClock Clock { get; } = new();
        public SimulatedTelnet Telnet { get; } = new("xc3511");
        public bool IsShut { get; init; }
        public Action? Connecting { get; set; }
        public string Password { get => Telnet.Password; set => Telnet.Password = value; }
        public bool OnlyPretends { get => Telnet.OnlyPretends; init => Telnet.OnlyPretends = value; }
        public Action<bool>? Changing { get => Telnet.Changing; set => Telnet.Changing = value; }

        public async Task<Secured> SecureAsync()
        {
            IRotationMethod[] methods = [new TelnetPasswdRotation { Quiet = TimeSpan.FromMilliseconds(5) }, new HttpCgiRotation()];
            var keeper = new CredentialKeeper(_record, methods, NullLogger<CredentialKeeper>.Instance);
            using var link = new DeviceLink(MendWorld.Mac, () => IPAddress.Loopback, _parameters, this);
            return await keeper.SecureAsync(MendWorld.Mac, _pack, link, CancellationToken.None);
        }

        public Task<string?> KeptAsync() => _record.Vault.FindAsync(MendWorld.Mac, _method == "http-cgi" ? "http:80:root" : "telnet:23:root", CancellationToken.None);

        public async Task RestartAsync()
        {
            await _record.DisposeAsync();
            Clock.KillAtLook = 0;
            _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), Clock);
        }

        public Task<Stream> ConnectAsync(Gatehouse.Wire.MacAddress thing, IPEndPoint device, CancellationToken cancellationToken)
        {
            if (IsShut) throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionRefused);
            Connecting?.Invoke();
            var (toThing, fromThing) = (new Pipe(), new Pipe());
            _ = device.Port == 23 ? Telnet.ServeAsync(toThing.Reader, fromThing.Writer) : ServeWebAsync(toThing.Reader, fromThing.Writer);
            return Task.FromResult(SimulatedThing.Join(fromThing.Reader, toThing.Writer));
        }

        public async ValueTask DisposeAsync()
        {
            await _record.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }

        private async Task ServeWebAsync(PipeReader input, PipeWriter output)
        {
            try
            {
                var request = (await SimulatedThing.ReadAsync(80, input))!;
                var given = request.Headers.TryGetValue("authorization", out var header) ? Encoding.UTF8.GetString(Convert.FromBase64String(header["Basic ".Length..])) : "";
                var status = given == $"root:{Password}" ? 200 : 401;
                if (status == 200 && request.Path == "/cgi-bin/password" && request.Method == "POST")
                {
                    var fields = Encoding.UTF8.GetString(request.Body).Split('&').Select(field => field.Split('=')).ToDictionary(field => field[0], field => field[1]);
                    Telnet.Changing?.Invoke(false);
                    if (!OnlyPretends && fields["old"] == Password) Password = fields["new"];
                    Telnet.Changing?.Invoke(true);
                }

                await output.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
            }
            catch (IOException)
            {
                // The power is gone.
            }
            finally
            {
                await output.CompleteAsync();
                await input.CompleteAsync();
            }
        }
    }
}
