"""`--ask groups`: one question a kind of change, in the order s3synchrony asked them."""

from collections.abc import Iterator
from datetime import datetime

from cas_sync.cli.choose import Chosen, choose
from cas_sync.cli.plan_view import row_lines
from cas_sync.cli.render import plural, size
from cas_sync.cli.terminal import say
from cas_sync.engine.asking import Question
from cas_sync.model.paths import RepoPath
from cas_sync.plan.groups import REOFFERED, Phase, phase_of
from cas_sync.plan.outline import Outline
from cas_sync.plan.step import NO, Act, Answer, Step, Verdict


def ask_groups(question: Question, now: datetime) -> Answer:
    """Ask phase by phase; what is declined in one may be offered the other way in a later one.

    Nothing is done if the input ends before the last question.
    """
    chosen: dict[Phase, Chosen] = {}
    verdicts: dict[RepoPath, Verdict] = {}
    for phase in Phase:
        outline = _offer(question, phase, chosen)
        if not outline.rows:
            continue
        n_files, n_bytes = outline.totals[phase]
        say(f"{phase.value} ({plural(n_files, 'file')}, {size(n_bytes)})")
        for line in row_lines(outline, phase, now):
            say(line)
        takes = choose(outline, question.steps)
        if takes is None:
            return NO
        chosen[phase] = takes
        if phase in REOFFERED:
            earlier, act = REOFFERED[phase]
            verdicts.update(
                (step.path, Verdict(act, step.our_content, step.their_content))
                for step in _declined(question, earlier, chosen)
                if takes(step)
            )

    def takes_step(step: Step) -> bool:
        phase = phase_of(step)
        return phase is None or (phase in chosen and chosen[phase](step))

    return Answer(takes=takes_step, verdicts=verdicts)


def _offer(question: Question, phase: Phase, chosen: dict[Phase, Chosen]) -> Outline[Phase]:
    earlier, act = REOFFERED.get(phase, (None, Act.LEAVE))

    def is_again(step: Step) -> bool:
        own = phase_of(step)
        return own is not None and own is earlier and own in chosen and not chosen[own](step)

    def shown_in(step: Step) -> Phase | None:
        is_turned = step.act is act and phase_of(step) in {None, phase}
        return phase if phase_of(step) is phase or is_turned or is_again(step) else None

    def as_offered() -> Iterator[Step]:
        for step in question.steps():
            if is_again(step):
                yield step._replace(act=act)
            elif phase_of(step) is phase:
                yield step

    return Outline(as_offered(), shown_in, (phase,))


def _declined(question: Question, phase: Phase, chosen: dict[Phase, Chosen]) -> Iterator[Step]:
    for step in question.steps():
        if phase_of(step) is phase and phase in chosen and not chosen[phase](step):
            yield step
