"""The parts of a request for lines, from a question."""

from __future__ import annotations

from kodit.domain.grep import Expression, LineShape
from kodit.domain.questions import GrepQuestion


def expression_of(question: GrepQuestion) -> Expression:
    return Expression(
        question.pattern,
        is_fixed=question.fixed_strings,
        ignore_case=question.ignore_case,
        whole_words=question.whole_words,
        is_inverted=question.inverted,
        more=question.more_patterns,
    )


def shape_of(question: GrepQuestion) -> LineShape:
    before, after = question.before, question.after
    return LineShape(
        question.context if before is None else before,
        question.context if after is None else after,
        question.only_matching,
        question.one_per_file,
    )
