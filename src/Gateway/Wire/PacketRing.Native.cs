using System.Runtime.InteropServices;

namespace Gatehouse.Wire;

public sealed unsafe partial class PacketRing
{
    /// <summary>The kernel's side, as <c>linux/if_packet.h</c> and <c>asm-generic/socket.h</c> lay it down; equal on x86-64 and arm64.</summary>
    private static partial class Native
    {
        public const int AfPacket = 17;
        public const int SockRaw = 3;
        public const int SockCloseOnExec = 0x80000;
        public const int SolPacket = 263;
        public const int PacketAddMembership = 1;
        public const int PacketRxRing = 5;
        public const int PacketStatistics = 6;
        public const int PacketVersion = 10;
        public const int TpacketV3 = 2;
        public const int FrameSize = 2048;
        public const ushort MembershipPromiscuous = 1;
        public const ushort AllProtocols = 0x0300; // ETH_P_ALL in network order
        public const byte PacketOutgoing = 4;
        public const int ProtRead = 1;
        public const int ProtWrite = 2;
        public const int MapShared = 1;
        public const short PollIn = 1;
        public const short PollError = 8;
        public const uint StatusKernel = 0;
        public const uint StatusUser = 1;
        public const uint StatusVlanValid = 16;
        public const int AlignedPacketHeaderSize = 48;

        [StructLayout(LayoutKind.Sequential)]
        public struct TpacketReq3
        {
            public uint BlockSize;
            public uint BlockCount;
            public uint FrameSize;
            public uint FrameCount;
            public uint RetireBlockTimeout;
            public uint PrivateSize;
            public uint Features;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct BlockHeader
        {
            public uint Version;
            public uint PrivateOffset;
            public uint Status;
            public uint Packets;
            public uint FirstPacketOffset;
            public uint Length;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct PacketHeader
        {
            public uint NextOffset;
            public uint Seconds;
            public uint Nanoseconds;
            public uint CapturedLength;
            public uint Length;
            public uint Status;
            public ushort MacOffset;
            public ushort NetworkOffset;
            public uint Hash;
            public uint VlanTag;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct SockaddrLl
        {
            public ushort Family;
            public ushort Protocol;
            public int Interface;
            public ushort HardwareType;
            public byte PacketType;
            public byte AddressLength;
            public ulong Address;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct PacketMembership
        {
            public int Interface;
            public ushort Type;
            public ushort AddressLength;
            public ulong Address;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct TpacketStats
        {
            public uint Packets;
            public uint Drops;
            public uint QueueFreezes;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct PollDescriptor
        {
            public int Descriptor;
            public short Events;
            public short Returned;
        }

        [LibraryImport("libc", SetLastError = true)]
        public static partial int socket(int family, int type, int protocol);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int close(int descriptor);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int setsockopt(int descriptor, int level, int name, void* value, int length);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int getsockopt(int descriptor, int level, int name, void* value, int* length);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int bind(int descriptor, void* address, int length);

        [LibraryImport("libc", SetLastError = true)]
        public static partial byte* mmap(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int munmap(void* address, nuint length);

        [LibraryImport("libc", SetLastError = true)]
        public static partial int poll(PollDescriptor* descriptors, nuint count, int timeout);
    }
}
