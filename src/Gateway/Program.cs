using Gatehouse.Commands;

return await Root.RunAsync(args);
