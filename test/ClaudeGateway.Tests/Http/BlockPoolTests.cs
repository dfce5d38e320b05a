using ClaudeGateway.Http;

namespace ClaudeGateway.Tests.Http;

public sealed class BlockPoolTests
{
    [Fact]
    public void A_block_that_was_given_back_is_handed_out_again()
    {
        using var pool = new BlockPool();
        var first = pool.Rent();
        var memory = first.Memory;
        first.Dispose();

        using var second = pool.Rent(BlockPool.BlockBytes);

        Assert.Equal(BlockPool.BlockBytes, second.Memory.Length);
        Assert.True(memory.Equals(second.Memory));
    }

    [Fact]
    public void A_block_in_use_is_not_handed_out_twice()
    {
        using var pool = new BlockPool();
        using var first = pool.Rent();
        using var second = pool.Rent();

        Assert.False(first.Memory.Equals(second.Memory));
    }

    [Fact]
    public void More_than_a_block_cannot_be_had()
    {
        using var pool = new BlockPool();

        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(BlockPool.BlockBytes + 1));
    }
}
