using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>
/// What upstreams answered that did not serve a request, and which of it the client gets when none does. Owns what it
/// is given.
/// </summary>
internal sealed class FailedAnswers : IDisposable
{
    private UpstreamResponse? _telling;
    private UpstreamResponse? _first;
    private bool _hasForeign;

    /// <param name="isFirst">Whether it is the first upstream's, which is kept whatever it says.</param>
    public void Add(UpstreamResponse answer, bool isFirst)
    {
        var worth = _hasForeign ? 0 : FailoverRules.Worth(answer.FailoverStatus);
        if (worth > 0 && (_telling is null || worth >= FailoverRules.Worth(_telling.FailoverStatus)))
        {
            _telling?.Dispose();
            _telling = answer;
        }
        else if (isFirst)
        {
            _first = answer;
        }
        else
        {
            answer.Dispose();
        }
    }

    /// <summary>
    /// A conversation whose thinking another upstream signed can only go on there: what that one answered is what the
    /// client has to know, not this and not what comes after it.
    /// </summary>
    public void AddForeign(UpstreamResponse refusal)
    {
        _hasForeign = true;
        refusal.Dispose();
    }

    /// <summary>What the client gets, which is the caller's from now on; null when it is nothing of all this.</summary>
    public UpstreamResponse? Take()
    {
        var taken = _telling ?? (_hasForeign ? _first : null);
        _telling = null;
        _first = taken == _first ? null : _first;
        return taken;
    }

    public void Dispose()
    {
        _telling?.Dispose();
        _first?.Dispose();
    }
}
