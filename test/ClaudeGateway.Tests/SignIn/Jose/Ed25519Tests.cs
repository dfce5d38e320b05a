using System.Numerics;
using ClaudeGateway.SignIn.Jose;

namespace ClaudeGateway.Tests.SignIn.Jose;

/// <summary>RFC 8032 section 7.1, and the signatures it forbids.</summary>
public sealed class Ed25519Tests
{
    private const string Key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    private const string Signature =
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    [Theory]
    [InlineData(Key, "", Signature)]
    [InlineData(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void The_RFCs_examples_verify(string key, string message, string signature) =>
        Assert.True(
            Ed25519.Verifies(
                Convert.FromHexString(key), Convert.FromHexString(message), Convert.FromHexString(signature)));

    [Fact]
    public void Another_message_does_not() =>
        Assert.False(Ed25519.Verifies(Convert.FromHexString(Key), "x"u8, Convert.FromHexString(Signature)));

    [Fact]
    public void A_scalar_above_the_order_is_malleable_and_refused()
    {
        var order = BigInteger.Pow(2, 252)
            + BigInteger.Parse(
                "27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
        var signature = Convert.FromHexString(Signature);
        var raised = new BigInteger(signature.AsSpan(32), isUnsigned: true) + order;
        signature.AsSpan(32).Clear();
        Assert.True(raised.TryWriteBytes(signature.AsSpan(32), out _, isUnsigned: true));
        Assert.False(Ed25519.Verifies(Convert.FromHexString(Key), [], signature));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Bytes_that_are_no_point_are_no_key(string key) =>
        Assert.False(Ed25519.Verifies(Convert.FromHexString(key), [], Convert.FromHexString(Signature)));
}
