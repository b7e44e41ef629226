using Gatehouse.Tests.Trust.Conformance;

return await ConformanceClient.RunAsync(args).ConfigureAwait(false);
