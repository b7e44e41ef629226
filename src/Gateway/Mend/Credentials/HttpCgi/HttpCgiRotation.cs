using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Mend.Drivers;

namespace Gatehouse.Mend.Credentials.HttpCgi;

/// <summary>A web page behind HTTP Basic (RFC 7617), and a form of the device's own that changes its password.</summary>
/// <remarks>
/// Parameters: <c>verify-path</c> (a page behind the password), <c>change-path</c> (where the form goes), and the names of the form's fields:
/// <c>new-field</c>, and where the form has them <c>confirm-field</c>, <c>old-field</c>, <c>user-field</c>.
/// </remarks>
public sealed class HttpCgiRotation : IRotationMethod
{
    private static readonly string[] _required = ["verify-path", "change-path", "new-field"];

    public string Name => "http-cgi";

    public ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters) =>
    [
        .. _required.Where(name => !parameters.ContainsKey(name)).Select(name => $"'{name}' is missing"),
        .. from name in (string[])["verify-path", "change-path"]
           where parameters.TryGetValue(name, out var path) && (!path.StartsWith('/') || path.Any(char.IsWhiteSpace))
           select $"'{name}' should begin with '/' and have no blank",
    ];

    public async Task<bool> SignsInAsync(DeviceLink link, Account account, string password, CancellationToken cancellationToken)
    {
        var answer = await link.GetAsync(account.Port, account.Parameters["verify-path"], account.User, password, cancellationToken);
        return answer.Status switch
        {
            >= 200 and < 300 => true,
            401 or 403 => false,
            _ => throw new DeviceUnreachableException($"its page answers {answer.Status}, which says neither yes nor no"),
        };
    }

    public async Task ReplaceAsync(DeviceLink link, Account account, string oldPassword, string newPassword, CancellationToken cancellationToken)
    {
        var fields = new List<KeyValuePair<string, string>>();
        Add("user-field", account.User);
        Add("old-field", oldPassword);
        Add("new-field", newPassword);
        Add("confirm-field", newPassword);
        var answer = await link.PostFormAsync(account.Port, account.Parameters["change-path"], fields, account.User, oldPassword, cancellationToken);
        if (answer.Status >= 400) throw new DeviceRefusedException(string.Create(CultureInfo.InvariantCulture, $"its form answers {answer.Status}"));

        void Add(string parameter, string value)
        {
            if (account.Parameters.TryGetValue(parameter, out var field)) fields.Add(new(field, value));
        }
    }
}
