namespace Gatehouse.Maker.Keys;

/// <summary>Opens each key file at most once, and closes all keys together. A passphrase that does not fit leaves its key out.</summary>
internal sealed class KeyRing(Passphrases passphrases) : IDisposable
{
    private readonly Dictionary<string, MakerKey?> _open = new(StringComparer.Ordinal);

    public MakerKey? Open(KeyFileHeader header)
    {
        if (!_open.TryGetValue(header.Path, out var key))
        {
            _open[header.Path] = key = KeyFile.TryOpen(header, header.IsEncrypted ? passphrases.ForOpening(header.Holder, header.Role) : []);
        }

        return key;
    }

    public void Dispose()
    {
        foreach (var key in _open.Values) key?.Dispose();
    }
}
