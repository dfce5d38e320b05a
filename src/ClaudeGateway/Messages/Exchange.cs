using ClaudeGateway.Models;
using ClaudeGateway.Spend;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Messages;

/// <summary>A request that has been judged, with everything its way to the upstreams and back takes.</summary>
/// <param name="Body">What <paramref name="Call"/> refers to; disposed as soon as no upstream will be sent it any
/// more.</param>
/// <param name="Model">What the catalogue knows under the requested id.</param>
/// <param name="Targets">Whom to ask, in order; not empty.</param>
/// <param name="Billing">Whom the request's own tag bills.</param>
/// <param name="Ticket">Null when the request is not metered; it belongs to the caller.</param>
internal sealed record Exchange(
    UpstreamCall Call,
    RequestBody Body,
    CatalogModel Model,
    IReadOnlyList<RouteTarget> Targets,
    BillingTag Billing,
    SpendTicket? Ticket);
