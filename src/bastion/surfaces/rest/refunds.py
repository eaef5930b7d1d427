"""Refunds: the routes that give a position up for its original margin, and tell what that means."""

from bastion import commands
from bastion.commands import RefundPreview, RefundReport, RefundReview
from bastion.domain.act import Act
from bastion.surfaces.rest.bodies import RefundBody, RefundQuery
from bastion.surfaces.rest.table import Answer, Asked, Route, given


async def _refund(asked: Asked) -> Answer:
    body = given(RefundBody, asked.body)
    report = await commands.refund(
        asked.desk, asked.principal, body.position_id, account=body.account, reason=body.reason
    )
    return Answer(report=report)


async def _preview(asked: Asked) -> Answer:
    query = given(RefundQuery, asked.query)
    report = await commands.preview_refund(
        asked.desk, asked.principal, query.position_id, account=query.account
    )
    return Answer(report=report)


async def _review(asked: Asked) -> Answer:
    query = given(RefundQuery, asked.query)
    report = await commands.review_refund(
        asked.desk, asked.principal, query.position_id, account=query.account
    )
    return Answer(report=report)


ROUTES: tuple[Route, ...] = (
    Route(
        name="refund",
        method="POST",
        path="/v1/refunds",
        act=Act.REFUND,
        tag="refund",
        summary="Give a position up for its margin",
        description=(
            "Gives one position at a margin venue up for its original margin: no profit, no loss, no undo. "
            "A repetition is answered with what the first request did: the margin moves once."
        ),
        answer=RefundReport,
        run=_refund,
        body=RefundBody,
        statuses=(409, 502),
    ),
    Route(
        name="previewRefund",
        method="GET",
        path="/v1/refunds/preview",
        act=Act.REFUND_PREVIEW,
        tag="refund",
        summary="What speaks for a refund",
        description="What a normal close and a refund would give now; nothing is done.",
        answer=RefundPreview,
        run=_preview,
        query=RefundQuery,
        statuses=(502,),
    ),
    Route(
        name="reviewRefund",
        method="GET",
        path="/v1/refunds/review",
        act=Act.REFUND_REVIEW,
        tag="refund",
        summary="What came of a refund",
        description="What a refunded position would be worth now, and the reason that was given for it.",
        answer=RefundReview,
        run=_review,
        query=RefundQuery,
        statuses=(502,),
    ),
)
