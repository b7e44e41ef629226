using System.Collections.Immutable;
using Gatehouse.Mend.Credentials.HttpCgi;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Drivers;

namespace Gatehouse.Mend.Credentials;

/// <summary>One way of changing a password on a Thing. It tries one password or sets one; when and which, <see cref="CredentialKeeper"/> decides.</summary>
/// <remarks>A new one: a folder, one line in <see cref="RotationMethods"/>, its row in the contract tests.</remarks>
public interface IRotationMethod
{
    /// <summary>The name a pack uses: <c>telnet-passwd</c>.</summary>
    string Name { get; }

    /// <summary>What is wrong with a pack's parameters for this method; empty when they are sound.</summary>
    ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters);

    /// <summary>Tries to sign in once.</summary>
    /// <returns>True when the Thing let this password in, false when it said no.</returns>
    /// <exception cref="DeviceUnreachableException">It did not say.</exception>
    Task<bool> SignsInAsync(DeviceLink link, Account account, string password, CancellationToken cancellationToken);

    /// <summary>Replaces the password. That this returns says nothing: only signing in afterwards does.</summary>
    /// <exception cref="DeviceUnreachableException">The connection broke; the new password may hold all the same.</exception>
    /// <exception cref="DeviceRefusedException">It would not.</exception>
    Task ReplaceAsync(DeviceLink link, Account account, string oldPassword, string newPassword, CancellationToken cancellationToken);
}

/// <summary>An account on a Thing and how its pack says it is changed.</summary>
public sealed record Account(string Service, ushort Port, string User, ImmutableDictionary<string, string> Parameters)
{
    /// <summary>Its name in the vault.</summary>
    public string VaultName => $"{Service}:{Port}:{User}";
}

/// <summary>Every method there is, one line each.</summary>
public static class RotationMethods
{
    public static IReadOnlyList<IRotationMethod> All { get; } =
    [
        new HttpCgiRotation(),
        new TelnetPasswdRotation(),
    ];

    public static IRotationMethod? Find(string name) => All.FirstOrDefault(method => method.Name == name);
}
