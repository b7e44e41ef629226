using System.Buffers.Binary;

namespace Gatehouse.Wire;

/// <summary>An NTP packet's header (RFC 5905, 7.3); extension fields and authenticators behind it are not read.</summary>
/// <param name="Mode">3 asks, 4 answers.</param>
/// <param name="Transmit">When it was sent, by the sender's clock: seconds since 1900 in the upper half, their fraction in the lower.</param>
public readonly record struct NtpPacket(byte Leap, byte Version, byte Mode, byte Stratum, sbyte Poll, sbyte Precision, uint ReferenceId, ulong Reference, ulong Origin, ulong Receive, ulong Transmit)
{
    public const int Size = 48;
    public const byte Client = 3;
    public const byte Server = 4;

    private static readonly DateTimeOffset s_epoch = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static bool TryParse(ReadOnlySpan<byte> datagram, out NtpPacket packet)
    {
        var reader = new WireReader(datagram);
        var first = reader.ReadByte();
        var (stratum, poll, precision) = (reader.ReadByte(), unchecked((sbyte)reader.ReadByte()), unchecked((sbyte)reader.ReadByte()));
        reader.Skip(8); // root delay and dispersion: of no use to us
        packet = new((byte)(first >> 6), (byte)(first >> 3 & 7), (byte)(first & 7), stratum, poll, precision, reader.ReadUInt32(),
            reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
        return reader.Ok;
    }

    /// <summary>Writes <see cref="Size"/> bytes, root delay and dispersion zero.</summary>
    public void Write(Span<byte> datagram)
    {
        datagram[..Size].Clear();
        datagram[0] = (byte)(Leap << 6 | Version << 3 | Mode);
        datagram[1] = Stratum;
        datagram[2] = unchecked((byte)Poll);
        datagram[3] = unchecked((byte)Precision);
        BinaryPrimitives.WriteUInt32BigEndian(datagram[12..], ReferenceId);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[16..], Reference);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[24..], Origin);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[32..], Receive);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[40..], Transmit);
    }

    /// <summary>A moment as NTP writes it, in the era it falls in (RFC 5905, 6: the seconds wrap in 2036).</summary>
    public static ulong Timestamp(DateTimeOffset at)
    {
        var ticks = (ulong)(at - s_epoch).Ticks;
        var seconds = ticks / TimeSpan.TicksPerSecond & 0xFFFF_FFFF;
        return seconds << 32 | (ticks % TimeSpan.TicksPerSecond << 32) / TimeSpan.TicksPerSecond;
    }
}
