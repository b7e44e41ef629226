using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Gatehouse.Maker.Commands;

/// <summary>
/// Makes a target of the reviewers' repository out of a maker's plain release: the file with the address, date and hash it was seen with,
/// and the maker's own signature where there is one. It becomes a target only with as many reviewers' signatures as the role asks for.
/// </summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The release as it was downloaded." };
        var url = new Option<string>("--url") { Description = "Where it was seen.", Required = true };
        var seen = new Option<string>("--seen") { Description = "When it was seen (2026-11-23).", Required = true };
        var sha256 = new Option<string>("--sha256") { Description = "The hash it was seen with.", Required = true };
        var signature = new Option<string?>("--signature") { Description = "The maker's own detached signature (RSA or ECDSA with SHA-256)." };
        var signer = new Option<string?>("--signer") { Description = "The maker's public key, as PEM." };
        var model = new Option<string>("--model") { Description = "The model it is for.", Required = true };
        var version = new Option<string>("--version") { Description = "Its version, as the device itself shows it.", Required = true };
        var kind = new Option<string>("--kind") { Description = "security or feature.", DefaultValueFactory = _ => "security" };
        kind.AcceptOnlyFromAmong("security", "feature");
        var fixes = new Option<string[]>("--fixes") { Description = "Weaknesses it closes.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var hardware = new Option<string[]>("--hardware") { Description = "Hardware revisions it runs on.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var terms = new Option<string>("--redistribution") { Description = "allowed, or hash-and-url where the maker forbids passing it on.", DefaultValueFactory = _ => "allowed" };
        terms.AcceptOnlyFromAmong("allowed", "hash-and-url");
        var command = new Command("import", "Make a reviewed target out of a maker's plain release.")
        {
            file, url, seen, sha256, signature, signer, model, version, kind, fixes, hardware, terms,
        };
        command.Run((parsed, output) =>
        {
            var origin = Origin(parsed.GetValue(file)!, parsed.GetValue(url)!, parsed.GetValue(seen)!, parsed.GetValue(sha256)!);
            origin["redistribution"] = parsed.GetValue(terms);
            origin["signature"] = CheckSignature(parsed.GetValue(file)!, parsed.GetValue(signature), parsed.GetValue(signer));
            output.Say($"The hash is the one it was seen with; the maker's own signature: {origin["signature"]}.");
            var release = new AddCommand.Release(
                parsed.GetValue(file)!, parsed.GetValue(model)!, parsed.GetValue(version)!, parsed.GetValue(kind)!, parsed.GetValue(fixes)!, parsed.GetValue(hardware)!,
                null, null, null, null, "targets");
            AddCommand.Add(parsed.OpenRepository(), release, output, origin);
        });
        return command;
    }

    private static JsonObject Origin(string file, string url, string seen, string sha256)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")) throw new MakerException($"--url {url} is not a web address.");
        if (!DateOnly.TryParseExact(seen, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)) throw new MakerException($"--seen {seen} is not a date like 2026-11-23.");

        using var stream = File.OpenRead(file);
        var actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (!actual.Equals(sha256, StringComparison.OrdinalIgnoreCase)) throw new MakerException($"{file} has the hash {actual}, not the one it was seen with. Do not use it.");

        return new JsonObject { ["url"] = address.AbsoluteUri, ["seen"] = seen };
    }

    private static string CheckSignature(string file, string? signature, string? signer)
    {
        if (signature is null && signer is null) return "none";
        if (signature is null || signer is null) throw new MakerException("--signature and --signer belong together.");

        var pem = File.ReadAllText(signer);
        var bytes = File.ReadAllBytes(signature);
        using var stream = File.OpenRead(file);
        var hash = SHA256.HashData(stream);
        if (VerifyRsa(pem, hash, bytes) || VerifyEcdsa(pem, hash, bytes)) return "valid";

        throw new MakerException($"The maker's signature on {file} does not hold. Do not use it.");
    }

    private static bool VerifyRsa(string pem, byte[] hash, byte[] signature)
    {
        try
        {
            using var key = RSA.Create();
            key.ImportFromPem(pem);
            return key.VerifyHash(hash, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                || key.VerifyHash(hash, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        }
        catch (Exception other) when (other is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static bool VerifyEcdsa(string pem, byte[] hash, byte[] signature)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportFromPem(pem);
            return key.VerifyHash(hash, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (Exception other) when (other is CryptographicException or ArgumentException)
        {
            return false;
        }
    }
}
