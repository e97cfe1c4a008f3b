"""Operations report their progress."""

from __future__ import annotations

import pytest

from kodit.domain.entities import ProgressTracker
from kodit.domain.progress import OperationState
from kodit.domain.value_objects import TaskOperation, TrackableType


def heard_by(tracker: ProgressTracker) -> list[tuple[str, str, int, int | None]]:
    """Everything that a subscriber receives."""
    heard: list[tuple[str, str, int, int | None]] = []
    tracker.subscribe(
        lambda one: heard.append((one.operation.name, one.state.value, one.current, one.total))
    )
    return heard


def test_a_subscriber_above_receives_every_change() -> None:
    """From the operations below it, in order; not from its siblings."""
    root = ProgressTracker()
    heard = heard_by(root)
    with root.create_child(TaskOperation.EXTRACT_SNIPPETS) as child:
        beside = root.create_child(TaskOperation.ENRICH_SNIPPETS)
        heard_beside = heard_by(beside)
        child.set_total(9)
        child.set_current(4)
    assert heard == [
        ("EXTRACT_SNIPPETS", "started", 0, None),
        ("ENRICH_SNIPPETS", "started", 0, None),
        ("EXTRACT_SNIPPETS", "started", 0, 9),
        ("EXTRACT_SNIPPETS", "in_progress", 4, 9),
        ("EXTRACT_SNIPPETS", "completed", 4, 9),
    ]
    assert heard_beside == []
    assert root.children == [child, beside]


def test_an_operation_is_about_what_the_one_above_is_about() -> None:
    """Unless it is given its own; 0 is an identifier too."""
    root = ProgressTracker(trackable_type=TrackableType.INDEX, trackable_id=7)
    child = root.create_child(TaskOperation.ENRICH_SNIPPETS)
    own = root.create_child(TaskOperation.ENRICH_SNIPPETS, TrackableType.TASK, 0)
    assert (child.trackable_type, child.trackable_id) == (TrackableType.INDEX, 7)
    assert (own.trackable_type, own.trackable_id) == (TrackableType.TASK, 0)
    assert child.parent is root


@pytest.mark.parametrize(
    ("error", "message"), [(ValueError("broken"), "broken"), (ValueError(), "ValueError")]
)
def test_an_error_marks_an_operation_failed_and_travels_on(error: Exception, message: str) -> None:
    tracker = ProgressTracker(TaskOperation.EXTRACT_SNIPPETS)
    with pytest.raises(ValueError) as caught, tracker:
        raise error
    assert caught.value is error
    assert (tracker.state, tracker.message) == (OperationState.FAILED, message)


def test_what_was_skipped_is_not_completed_at_the_end() -> None:
    with ProgressTracker(TaskOperation.EXTRACT_SNIPPETS) as tracker:
        tracker.skip("nothing to do")
    assert (tracker.state, tracker.message) == (OperationState.SKIPPED, "nothing to do")


def test_what_is_complete_has_no_message() -> None:
    with ProgressTracker(TaskOperation.EXTRACT_SNIPPETS) as tracker:
        tracker.set_current(1)
    assert (tracker.state, tracker.message) == (OperationState.COMPLETED, None)
