using System.Security.Cryptography;
using System.Text.Json;

namespace ClaudeGateway.Testing;

/// <summary>The JSON key of a service account that does not exist, as Google Cloud's console gives it.</summary>
internal static class GoogleServiceAccount
{
    /// <param name="tokenUri">Where its assertions are taken for tokens.</param>
    public static async Task WriteAsync(string file, Uri tokenUri)
    {
        using var key = RSA.Create(2048);
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new
        {
            type = "service_account",
            project_id = "p",
            private_key_id = "k1",
            private_key = key.ExportPkcs8PrivateKeyPem(),
            client_email = "a@p.iam.gserviceaccount.com",
            client_id = "1",
            token_uri = tokenUri,
        }));
    }
}
