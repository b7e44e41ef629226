using System.CommandLine;
using Gatehouse.Maker.Commands;

return MakerProgram.Create().Parse(args).Invoke();

/// <summary>The table of commands.</summary>
internal static class MakerProgram
{
    public static RootCommand Create() => new("Publishes signed firmware: a TUF repository for people who are no cryptographers.")
    {
        InitCommand.Create(),
        AddCommand.Create(),
        SignCommand.Create(),
        PublishCommand.Create(),
        RefreshCommand.Create(),
        RotateCommand.Create(),
        RevokeCommand.Create(),
        RenewCommand.Create(),
        DelegateCommand.Create(),
        SuccessorCommand.Create(),
        ImportCommand.Create(),
        KeysCommand.Create(),
        VerifyCommand.Create(),
        DoctorCommand.Create(),
        MakerCommand.RepositoryOption,
        MakerCommand.JsonOption,
        MakerCommand.PassphraseFileOption,
        MakerCommand.NowOption,
        MakerCommand.LightKeysOption,
    };
}
