using System.Net;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Kernel;

/// <summary>What a grant opens: one Thing's way to one address at one port.</summary>
public readonly record struct GrantKey(MacAddress Mac, IPAddress Address, TransportPort Port);

/// <summary>A way out that a DNS answer opened. <paramref name="Mark"/> is the permission's id.</summary>
public readonly record struct Grant(GrantKey Key, uint Mark, TimeSpan Timeout);
