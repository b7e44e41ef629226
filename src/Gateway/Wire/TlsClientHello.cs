using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.Wire;

/// <summary>The first message of a TLS connection, which a client sends in the clear: what it offers tells one TLS library from another.</summary>
/// <remarks>
/// RFC 8446, 4.1.2 and RFC 5246, 7.4.1.2; a record of RFC 8446, 5.1 around it. GREASE values (RFC 8701) are noted and left out of the lists. Hellos with
/// post-quantum key shares do not fit one segment: what the first segment has is read, up to the extension that is cut, and <see cref="IsCut"/> says so.
/// </remarks>
public sealed class TlsClientHello
{
    /// <summary>Most values kept of each list; no client offers half as many.</summary>
    public const int MaxListed = 200;

    private TlsClientHello()
    {
    }

    /// <summary>True where the segment ended before the hello did: lists of extensions and what comes from them are not whole.</summary>
    public bool IsCut { get; private init; }

    /// <summary>The highest version offered, as on the wire: 0x0304 is TLS 1.3.</summary>
    public ushort Version { get; private init; }

    public ImmutableArray<ushort> CipherSuites { get; private init; } = [];

    /// <summary>Extension types in the order sent.</summary>
    public ImmutableArray<ushort> Extensions { get; private init; } = [];

    public ImmutableArray<ushort> SignatureAlgorithms { get; private init; } = [];

    /// <summary>The name asked for (RFC 6066, 3), in the client's own case, or null.</summary>
    public string? ServerName { get; private init; }

    /// <summary>The protocols offered (RFC 7301), in order.</summary>
    public ImmutableArray<string> Protocols { get; private init; } = [];

    /// <summary>True where the client sent GREASE values: the browsers' engines do, device libraries do not.</summary>
    public bool HasGrease { get; private init; }

    /// <summary>
    /// Null for a hello that is cut; else a summary in the form of JA4: what was offered, sorted, so that an order that changes from one connection to the next does not matter:
    /// transport, version, name or address, numbers of suites and extensions, first protocol; then two shortened SHA-256.
    /// </summary>
    /// <remarks>FoxIO's "JA4: TLS client fingerprinting" technical details (BSD-3-Clause); only JA4 itself, none of the other methods.</remarks>
    public string? Summary => IsCut ? null : string.Create(CultureInfo.InvariantCulture,
        $"t{VersionText}{(ServerName is null ? 'i' : 'd')}{Math.Min(CipherSuites.Length, 99):00}{Math.Min(Extensions.Length, 99):00}{ProtocolText}_{Digest(CipherSuites, [])}_{Digest([.. Extensions.Where(type => type is not (ServerNameType or AlpnType))], SignatureAlgorithms)}");

    // RFC 8446, 5.1: a plaintext record has at most 2^14 bytes.
    private const int MaxRecordBytes = 1 << 14;
    private const int HandshakeHeaderSize = 4;
    private const ushort ServerNameType = 0;
    private const ushort SignatureAlgorithmsType = 13;
    private const ushort AlpnType = 16;
    private const ushort SupportedVersionsType = 43;

    private string VersionText => Version switch { 0x0304 => "13", 0x0303 => "12", 0x0302 => "11", 0x0301 => "10", 0x0300 => "s3", _ => "00" };

    private string ProtocolText => Protocols switch
    {
        [{ Length: > 0 } first, ..] when char.IsAsciiLetterOrDigit(first[0]) && char.IsAsciiLetterOrDigit(first[^1]) => $"{first[0]}{first[^1]}",
        [{ Length: > 0 } first, ..] when Convert.ToHexStringLower(Encoding.Latin1.GetBytes(first)) is var hex => $"{hex[0]}{hex[^1]}",
        _ => "00",
    };

    /// <summary>Reads the first bytes a client sent on a connection: one TLS record with a whole ClientHello.</summary>
    public static bool TryParse(ReadOnlySpan<byte> segment, [NotNullWhen(true)] out TlsClientHello? hello)
    {
        hello = null;
        var record = new WireReader(segment);
        var (type, major, _) = (record.ReadByte(), record.ReadByte(), record.ReadByte());
        var recordLength = record.ReadUInt16();
        if (!record.Ok || type != 22 || major != 3 || recordLength > MaxRecordBytes) return false;

        var handshake = new WireReader(record.Take(Math.Min(recordLength, record.Remaining)));
        var isHello = handshake.ReadByte() == 1;
        var length = handshake.ReadByte() << 16 | handshake.ReadUInt16();
        if (!handshake.Ok || !isHello || length > recordLength - HandshakeHeaderSize) return false;

        var isCut = handshake.Remaining < length;
        var body = new WireReader(handshake.Take(Math.Min(length, handshake.Remaining)));
        return TryBody(ref body, isCut, out hello);
    }

    private static bool TryBody(ref WireReader body, bool isCut, [NotNullWhen(true)] out TlsClientHello? hello)
    {
        hello = null;
        var legacyVersion = body.ReadUInt16();
        body.Skip(32); // random
        body.Skip(body.ReadByte()); // session id
        var hasGrease = false;
        var suites = ReadValues(body.Take(body.ReadUInt16()), ref hasGrease, out var suitesOk);
        var compressions = body.Take(body.ReadByte());
        if (!body.Ok || !suitesOk || suites.IsEmpty || compressions.IsEmpty) return false;

        var made = new HelloExtensions { HasGrease = hasGrease };
        if (body.Remaining > 0 && !made.TryRead(ref body, isCut)) return false;

        hello = new()
        {
            IsCut = isCut,
            Version = made.Versions.IsEmpty ? legacyVersion : made.Versions.Max(),
            CipherSuites = suites,
            Extensions = made.Types.ToImmutable(),
            SignatureAlgorithms = made.SignatureAlgorithms,
            ServerName = made.ServerName,
            Protocols = made.Protocols,
            HasGrease = made.HasGrease,
        };
        return true;
    }

    private sealed class HelloExtensions
    {
        public ImmutableArray<ushort>.Builder Types { get; } = ImmutableArray.CreateBuilder<ushort>();
        public ImmutableArray<ushort> Versions { get; private set; } = [];
        public ImmutableArray<ushort> SignatureAlgorithms { get; private set; } = [];
        public ImmutableArray<string> Protocols { get; private set; } = [];
        public string? ServerName { get; private set; }
        public bool HasGrease { get; set; }

        public bool TryRead(ref WireReader body, bool isCut)
        {
            var length = body.ReadUInt16();
            if (!body.Ok || (isCut ? body.Remaining >= length : body.Remaining != length)) return false;

            while (body.Remaining > 0)
            {
                var type = body.ReadUInt16();
                var data = new WireReader(body.Take(body.ReadUInt16()));
                if (!body.Ok) return isCut;
                if (Types.Contains(type) || !TryOne(type, ref data)) return false;
            }

            return true;
        }

        private bool TryOne(ushort type, ref WireReader data)
        {
            if (IsGrease(type))
            {
                HasGrease = true;
                return true;
            }

            if (Types.Count == MaxListed) return false;
            Types.Add(type);
            return type switch
            {
                ServerNameType => TryServerName(ref data),
                AlpnType => TryProtocols(ref data),
                SignatureAlgorithmsType => TryValues(data.Take(data.ReadUInt16()), list => SignatureAlgorithms = list) && data.Ok,
                SupportedVersionsType => TryValues(data.Take(data.ReadByte()), list => Versions = list) && data.Ok,
                _ => true,
            };
        }

        private bool TryValues(ReadOnlySpan<byte> list, Action<ImmutableArray<ushort>> keep)
        {
            var grease = HasGrease;
            keep(ReadValues(list, ref grease, out var ok));
            HasGrease = grease;
            return ok;
        }

        // RFC 6066, 3: a list of one host name.
        private bool TryServerName(ref WireReader data)
        {
            var list = new WireReader(data.Take(data.ReadUInt16()));
            var isHost = list.ReadByte() == 0;
            var name = list.Take(list.ReadUInt16());
            if (!data.Ok || !list.Ok || !isHost || name.Length is 0 or > DnsName.MaxBytes) return false;
            foreach (var octet in name)
            {
                if (octet is <= 0x20 or >= 0x7F) return false;
            }

            ServerName = Encoding.ASCII.GetString(name);
            return true;
        }

        private bool TryProtocols(ref WireReader data)
        {
            var list = new WireReader(data.Take(data.ReadUInt16()));
            var protocols = ImmutableArray.CreateBuilder<string>();
            while (list.Remaining > 0)
            {
                var name = list.Take(list.ReadByte());
                if (!list.Ok || name.IsEmpty || protocols.Count == MaxListed) return false;
                if (name.Length == 2 && IsGrease((ushort)(name[0] << 8 | name[1]))) HasGrease = true;
                else protocols.Add(Encoding.Latin1.GetString(name));
            }

            Protocols = protocols.ToImmutable();
            return data.Ok;
        }
    }

    private static ImmutableArray<ushort> ReadValues(ReadOnlySpan<byte> list, ref bool hasGrease, out bool ok)
    {
        var reader = new WireReader(list);
        var values = ImmutableArray.CreateBuilder<ushort>();
        ok = list.Length % 2 == 0 && list.Length / 2 <= MaxListed;
        while (ok && reader.Remaining > 0)
        {
            var value = reader.ReadUInt16();
            if (IsGrease(value)) hasGrease = true;
            else values.Add(value);
        }

        return values.ToImmutable();
    }

    // RFC 8701, 2: 0x0A0A, 0x1A1A … 0xFAFA.
    private static bool IsGrease(ushort value) => (value & 0x0F0F) == 0x0A0A && value >> 8 == (value & 0xFF);

    private static string Digest(ImmutableArray<ushort> sorted, ImmutableArray<ushort> asSent)
    {
        if (sorted.IsEmpty) return "000000000000";
        var text = string.Join(',', sorted.Order().Select(value => value.ToString("x4", CultureInfo.InvariantCulture)));
        if (!asSent.IsEmpty) text += "_" + string.Join(',', asSent.Select(value => value.ToString("x4", CultureInfo.InvariantCulture)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)))[..12];
    }
}
