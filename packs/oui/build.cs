// Makes oui.bin, the maker's name of every MAC prefix, from the IEEE's public registry (MA-L) as CSV:
//     xzcat oui-2026-07.csv.xz | dotnet run packs/oui/build.cs -- packs/oui/oui.bin
// Layout, big-endian: count of prefixes P (4), count of names N (4), P prefixes of 3 bytes in order, P name numbers of 2 bytes,
// N + 1 offsets of 4 bytes into the text, the names' text in UTF-8.
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false
using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;

var makers = new SortedDictionary<uint, string>();
while (Console.ReadLine() is { } line)
{
    if (Regex.Match(line, "^MA-L,([0-9A-F]{6}),(?:\"((?:[^\"]|\"\")*)\"|([^,]*))") is not { Success: true } row) continue;
    makers[Convert.ToUInt32(row.Groups[1].Value, 16)] = Shorten((row.Groups[2].Value + row.Groups[3].Value).Replace("\"\"", "\"", StringComparison.Ordinal));
}

var names = makers.Values.Distinct().Order(StringComparer.Ordinal).ToList();
var numbers = names.Index().ToDictionary(pair => pair.Item, pair => checked((ushort)pair.Index));
var texts = names.ConvertAll(Encoding.UTF8.GetBytes);
using var file = File.Create(args[0]);
Write(makers.Count, bytes: 4);
Write(names.Count, bytes: 4);
foreach (var prefix in makers.Keys) Write((int)prefix, bytes: 3);
foreach (var name in makers.Values) Write(numbers[name], bytes: 2);
var offset = 0;
foreach (var text in texts)
{
    Write(offset, bytes: 4);
    offset += text.Length;
}

Write(offset, bytes: 4);
foreach (var text in texts) file.Write(text);
Console.WriteLine($"{makers.Count} prefixes, {names.Count} names, {file.Length} bytes");

void Write(int value, int bytes)
{
    Span<byte> field = stackalloc byte[4];
    BinaryPrimitives.WriteInt32BigEndian(field, value);
    file.Write(field[(4 - bytes)..]);
}

// A company's legal form says nothing to an owner: 'TP-LINK TECHNOLOGIES CO.,LTD.' is 'TP-LINK TECHNOLOGIES'.
static string Shorten(string name)
{
    var shorter = Regex.Replace(name.Trim(), @"(?:[ ,.()]+(?:inc|incorporated|co|company|ltd|limited|llc|corp|corporation|gmbh|ag|kg|b\.?v|s\.?a|s\.?r\.?l|s\.?p\.?a|oy|ab|a/s|pte|pty|plc|sdn|bhd|k\.k|l\.l\.c))+[ ,.)]*$", "", RegexOptions.IgnoreCase);
    return shorter.Length >= 2 ? shorter : name.Trim();
}
