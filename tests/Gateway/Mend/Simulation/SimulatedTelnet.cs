using System.IO.Pipelines;
using System.Text;

namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>A telnet service with one account, in busybox's words.</summary>
public sealed class SimulatedTelnet(string password)
{
    public string Password { get; set; } = password;

    /// <summary>Wrong passwords so far; a device that locks does so after <see cref="LocksAfter"/> in a row.</summary>
    public int Refusals { get; private set; }

    public int LocksAfter { get; set; } = 5;

    /// <summary>Called before and after the password is changed; may throw the power away.</summary>
    public Action<bool>? Changing { get; set; }

    /// <summary>Says that it changed the password, and does not.</summary>
    public bool OnlyPretends { get; set; }

    /// <summary>Most wrong passwords in a row.</summary>
    public int MostWrongInARow { get; private set; }

    private int _wrongInARow;

    public async Task ServeAsync(PipeReader input, PipeWriter output)
    {
        var reader = new StreamReader(input.AsStream(), Encoding.Latin1);
        try
        {
            // DO ECHO, DO NAWS, WILL ECHO, WILL SUPPRESS GO AHEAD: how busybox begins.
            await output.WriteAsync(new byte[] { 255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3 });
            await Say("\r\ndvr login: ");
            if (await Line() is null) return;
            await Say("Password: ");
            if (await Line() is not { } given) return;
            if (given != Password || _wrongInARow >= LocksAfter)
            {
                Refusals++;
                MostWrongInARow = Math.Max(MostWrongInARow, ++_wrongInARow);
                await Say("\r\nLogin incorrect\r\ndvr login: ");
                return;
            }

            _wrongInARow = 0;
            await Say("\r\nThis is # a recorder >\r\nLast failed login: never\r\n~ # \u001b[6n");
            if (await Line() != "passwd") return;
            await Say("Changing password for root\r\nNew password: ");
            var first = await Line();
            await Say("\r\nRetype password: ");
            if (await Line() is not { } second || first != second) return;
            Changing?.Invoke(false);
            if (!OnlyPretends) Password = second;
            Changing?.Invoke(true);
            await Say("\r\npasswd: password for root changed by root\r\n# ");
        }
        catch (IOException)
        {
            // Whoever signed in has gone, or the power has.
        }
        finally
        {
            await output.CompleteAsync();
            await input.CompleteAsync();
        }

        async Task Say(string text) => await output.WriteAsync(Encoding.Latin1.GetBytes(text));

        async Task<string?> Line()
        {
            // Answers to options come before the line; the device reads over them.
            if (await reader.ReadLineAsync() is not { } line) return null;
            var text = new StringBuilder();
            for (var i = 0; i < line.Length; i++)
            {
                if (line[i] == 255) i += 2;
                else text.Append(line[i]);
            }

            return text.ToString();
        }
    }
}
