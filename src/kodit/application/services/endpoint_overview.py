"""What the endpoints were used for, and whether they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.domain.endpoints import Bill, Usage, month_of

if TYPE_CHECKING:
    from kodit.application.views.endpoints import EndpointView
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.runtime import Clock


def endpoints_used(database: Database, clock: Clock) -> tuple[EndpointView, ...]:
    """The endpoints that were used this month, or that fail."""
    month = month_of(clock.now())
    with database.read() as transaction:
        bills = transaction.endpoints.bills(month)
        states = {state.name: state for state in transaction.endpoints.states()}
    if not bills and not states:
        return ()
    from kodit.application.views.endpoints import EndpointView  # noqa: PLC0415 - rarely needed

    known = {bill.endpoint for bill in bills}
    bills += [Bill(name, "", month, Usage(), 0, 0) for name in states if name not in known]
    return tuple(EndpointView.of(bill, states.get(bill.endpoint)) for bill in bills)
