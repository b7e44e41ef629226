using System.Collections.Immutable;
using Gatehouse.Mend.Drivers;

namespace Gatehouse.Mend.Credentials.TelnetPasswd;

/// <summary>Signs in by telnet as a person would and runs <c>passwd</c>: the way of busybox and of most Linux Things with a shell.</summary>
public sealed class TelnetPasswdRotation : IRotationMethod
{
    /// <summary>How long nothing may come before the last line counts as a prompt: a line of a greeting may end like one.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMilliseconds(300);

    public string Name => "telnet-passwd";

    public ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters) =>
        parameters.TryGetValue("command", out var command) && (command.Length is 0 or > 100 || command.Any(char.IsControl)) ? ["'command' should be one short line"] : [];

    public async Task<bool> SignsInAsync(DeviceLink link, Account account, string password, CancellationToken cancellationToken)
    {
        await using var session = new TelnetSession(await link.ConnectAsync(account.Port, cancellationToken), Quiet);
        return await SignInAsync(session, account, password, cancellationToken);
    }

    public async Task ReplaceAsync(DeviceLink link, Account account, string oldPassword, string newPassword, CancellationToken cancellationToken)
    {
        await using var session = new TelnetSession(await link.ConnectAsync(account.Port, cancellationToken), Quiet);
        if (!await SignInAsync(session, account, oldPassword, cancellationToken)) throw new DeviceRefusedException("it did not let us in a second time");

        await session.SendLineAsync(account.Parameters.GetValueOrDefault("command", "passwd"), cancellationToken);
        await AnswerAsync(session, oldPassword, newPassword, cancellationToken);
    }

    private static async Task<bool> SignInAsync(TelnetSession session, Account account, string password, CancellationToken cancellationToken)
    {
        var prompt = await session.WaitAsync(cancellationToken);
        if (prompt == Prompt.Login)
        {
            await session.SendLineAsync(account.User, cancellationToken);
            prompt = await session.WaitAsync(cancellationToken);
        }

        if (prompt == Prompt.Password)
        {
            await session.SendLineAsync(password, cancellationToken);
            prompt = await session.WaitAsync(cancellationToken);
        }

        // A device that asks again has said no. One that gives a shell without asking lets anybody in, so this password too.
        return prompt == Prompt.Shell;
    }

    /// <summary>Answers what <c>passwd</c> asks: perhaps the old password, then the new one twice (some ask a third time after a warning).</summary>
    private static async Task AnswerAsync(TelnetSession session, string oldPassword, string newPassword, CancellationToken cancellationToken)
    {
        for (var questions = 0; questions < 4; questions++)
        {
            switch (await session.WaitAsync(cancellationToken))
            {
                case Prompt.Password:
                    var isOld = session.AsksForOldPassword;
                    await session.SendLineAsync(isOld ? oldPassword : newPassword, cancellationToken);
                    break;
                case Prompt.Refused:
                    throw new DeviceRefusedException("it would not take a new password");
                default:
                    return;
            }
        }
    }
}
