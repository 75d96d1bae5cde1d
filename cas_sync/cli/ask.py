"""The questions of a sync: the plan, the choice from it, and each conflict."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import click

from cas_sync.cli.adoption_view import foreign_lines
from cas_sync.cli.ask_groups import ask_groups
from cas_sync.cli.choose import Chosen, choose
from cas_sync.cli.file_diff import MOST_BYTES, diff_lines
from cas_sync.cli.json_out import print_json
from cas_sync.cli.plan_view import conflict_lines, plan_events, plan_lines
from cas_sync.cli.render import plural, visible
from cas_sync.cli.terminal import agreed, ask, can_ask, say
from cas_sync.engine.asking import Question
from cas_sync.errors import CasSyncError, UsageError
from cas_sync.model.paths import RepoPath
from cas_sync.plan.adoption import Foreign
from cas_sync.plan.groups import Group, group_of
from cas_sync.plan.outline import ROWS, Outline
from cas_sync.plan.step import NO, YES, Act, Answer, Step, Verdict

MANY_DELETIONS = 10
"""Past this many deletions in the store, Enter means no: many people would miss the files."""

_HELP = """\
  y, yes     do it                    n, no      change nothing, ask again next time
  s          pick what is done; what you leave out is remembered and not asked for again
             until it changes (`cas-sync status` shows it)
  d 3        show what changed in the file with that number; also  d PATH
  p          show the whole plan, every file of every folder"""

_CHOICES = {
    "m": Act.TAKE_OURS,
    "mine": Act.TAKE_OURS,
    "t": Act.TAKE_THEIRS,
    "theirs": Act.TAKE_THEIRS,
    "b": Act.KEEP_BOTH,
    "both": Act.KEEP_BOTH,
}


@dataclass
class TerminalAsker:
    """Asks whoever sits at the terminal, if anybody does.

    Attributes:
        now: The time, for "2 h ago".
        before: Called before anything is shown; clears a progress line.
        yes: Whether the plan is agreed to beforehand.
        tells: Whether it is shown all the same.
        silent: Whether plans are not to be shown.
        rows: How long a group of a plan may become; `None`: as long as it is.
        as_json: Whether a plan that is only looked at goes to scripts.
        in_groups: Whether to ask as s3synchrony did, one question a phase.
        settles: Whether conflicts may be settled in this sync.
    """

    now: datetime
    before: Callable[[], None]
    yes: bool = False
    tells: bool = False
    silent: bool = False
    rows: int | None = ROWS
    as_json: bool = False
    in_groups: bool = False
    settles: bool = True

    @property
    def agrees(self) -> bool:
        """Whether every plan is agreed to, whatever it says."""
        return self.yes

    def adopt(self, foreign: Foreign) -> bool:
        """Say whether what others left below the prefix becomes the first commit."""
        self.before()
        if self.yes:
            return True
        if not can_ask():
            whose = " of s3synchrony" if foreign.is_seed else ""
            raise UsageError(
                f"the store holds {plural(foreign.n_files, 'file')}{whose}, but no commit, "
                "and there is no terminal to ask",
                cause="a sync would make it the first commit, and leave the old objects alone",
                fix="adopt them:  cas-sync sync --yes\nlook first:  cas-sync sync --dry-run\n"
                "leave them alone, begin beside them:  cas-sync sync --yes --no-adopt",
                code="E002",
            )
        for text in foreign_lines(foreign, "The store"):
            say(text)
        say("Adopted, they become the first commit; the old objects are left as they are.")
        if agreed("Adopt them?"):
            return True
        say("To begin beside them and leave them alone:  cas-sync sync --no-adopt")
        return False

    def show(self, question: Question) -> None:
        """Print a plan that is only looked at."""
        self.before()
        if self.as_json:
            for event in plan_events(question.steps()):
                print_json(event)
        elif not self.silent:
            for line in plan_lines(self._outline(question), question.url, self.now):
                click.echo(line)

    def apply(self, question: Question) -> Answer:
        """Say what of a plan is to be done."""
        survey = question.survey
        self.before()
        n = survey.n_publish + survey.n_materialize
        if self.yes or (not n and not can_ask()):
            if self.tells and not self.as_json:
                self.show(question)
            return YES
        outline = self._outline(question)
        asks = can_ask()
        # Nobody agrees to what they were not shown, however quiet they asked us to be.
        if (asks and not self.in_groups) or not (asks or self.silent):
            for line in plan_lines(outline, question.url, self.now):
                say(line)
        if not asks:
            raise UsageError(
                f"there {'is' if n == 1 else 'are'} {plural(n, 'change')} to confirm "
                "and no terminal to ask",
                fix="add --yes, or narrow it: --pull-only --yes, --only 'clean/**' --yes\n"
                "the full plan:  cas-sync sync --dry-run",
                code="E002",
            )
        if self.in_groups:
            answer = replace(ask_groups(question, self.now), binds=True)
            return self._with_verdicts(question, answer, None)
        return self._ask(question, outline)

    def _outline(self, question: Question, *, whole: bool = False) -> Outline[Group]:
        rows = None if whole else self.rows
        return Outline(question.steps(), group_of, tuple(Group), rows)

    def _ask(self, question: Question, outline: Outline[Group]) -> Answer:
        chosen: Chosen | None = None
        n_conflicts = question.survey.acts[Act.CONFLICT]
        n_all = sum(n for group, (n, _) in outline.totals.items()) - n_conflicts
        while True:
            n = n_all if chosen is None else _count(question, outline, chosen)
            line = ask(self._prompt(question, n, n_all, n_conflicts))
            word, _, rest = (line or "").partition(" ")
            is_more = bool(rest.strip()) and word.lower() not in {"d", "diff"}
            match "" if line is None or is_more else word.lower():
                case _ if line is None:
                    return NO
                case _ if is_more:
                    say(f'"{line}" is not one of: y, n, s, d N, p, ?')
                case "" if not self._enter_means_yes(question):
                    return NO
                case "" | "y" | "yes":
                    answer = Answer(takes=chosen, binds=True)
                    return self._with_verdicts(question, answer, chosen)
                case "n" | "no":
                    return NO
                case "s" | "select":
                    chosen = choose(outline, question.steps) or chosen
                case "d" | "diff":
                    self._diff(question, outline, rest.strip())
                case "p" | "plan":
                    outline = self._outline(question, whole=True)
                    for text in plan_lines(outline, question.url, self.now):
                        say(text)
                case "?" | "h" | "help":
                    say(_HELP)
                case _:
                    say(f'"{line}" is not one of: y, n, s, d N, p, ?')

    def _prompt(self, question: Question, n: int, n_all: int, n_conflicts: int) -> str:
        what = plural(n, "change") if n == n_all else f"{n:,} of {plural(n_all, 'change')}"
        ask_what = f"Apply {what}" if n_all else ""
        if n_conflicts and self.settles:
            decide = f"decide {plural(n_conflicts, 'conflict')}"
            ask_what = f"{ask_what} and {decide}" if ask_what else decide.capitalize()
        keys = "[Y]es / [n]o" if self._enter_means_yes(question) else "[y]es / [N]o"
        return f"{ask_what or 'Go on'}? {keys} / [s]elect / [d]iff N / [?] "

    def _enter_means_yes(self, question: Question) -> bool:
        return question.survey.acts[Act.DELETE_THERE] <= MANY_DELETIONS

    def _with_verdicts(
        self, question: Question, answer: Answer, chosen: Chosen | None
    ) -> Answer:
        if not (answer.go and self.settles):
            return answer
        steps = [
            step
            for step in question.steps()
            if step.act is Act.CONFLICT and (chosen is None or chosen(step))
        ]
        verdicts = ask_conflicts(steps, question, self.now)
        if not verdicts:
            return answer
        return replace(answer, verdicts={**answer.verdicts, **verdicts})

    def _diff(self, question: Question, outline: Outline[Group], named: str) -> None:
        rows = outline.rows if named else []
        row = next((r for r in rows if named in {str(r.number), r.path}), None)
        if row is not None and row.step is None:
            say(f"{row.number} stands for {plural(row.n_files, 'file')}: name one, d PATH")
            return
        step = row.step if row is not None else _step_at(question.steps(), named)
        if step is None:
            say(f'"{named}" is no number or path of this plan; try  d 1')
            return
        show_diff(question, step)


def _count(question: Question, outline: Outline[Group], chosen: Chosen) -> int:
    return sum(
        step.act is not Act.CONFLICT and outline.number_of(step) is not None and chosen(step)
        for step in question.steps()
    )


def _step_at(steps: Iterable[Step], path: str) -> Step | None:
    return next((step for step in steps if step.path == path), None)


def show_diff(question: Question, step: Step) -> None:
    """Show what a step changes in a file."""
    ours, theirs = step.our_content, step.their_content
    try:
        mine = question.read_ours(step, MOST_BYTES) if ours else b""
        there = question.read_stored(theirs, MOST_BYTES) if theirs else b""
    except CasSyncError as error:
        say(f"  {step.path} cannot be compared: {error.message}")
        return
    sizes = (ours.size if ours else 0, theirs.size if theirs else 0)
    names = (f"{step.path} (yours)", f"{step.path} (in the store)")
    if step.act in {Act.DOWNLOAD, Act.DELETE_HERE}:
        lines = diff_lines(names, mine, there, sizes)
    else:
        lines = diff_lines(names[::-1], there, mine, sizes[::-1])
    for line in lines:
        say(line)


def ask_conflicts(
    steps: list[Step], question: Question, now: datetime
) -> dict[RepoPath, Verdict]:
    """Ask about each file in conflict; what is not decided is left as it is, on both sides."""
    verdicts: dict[RepoPath, Verdict] = {}
    for step in steps:
        who = step.theirs.editor if step.theirs else "theirs"
        say(f"  ! {visible(step.path)}")
        for text in conflict_lines(step, now):
            say(text)
        keys = f"[m]ine / [t]heirs ({visible(who)}) / [b]oth / [d]iff / [l]ater ? "
        while True:
            line = ask(f"{visible(step.path)}: {keys}")
            word = (line or "").lower()
            if line is None:
                return verdicts
            if word in _CHOICES:
                verdicts[step.path] = _verdict(step, _CHOICES[word])
            elif word in {"d", "diff"}:
                show_diff(question, step)
                continue
            elif word not in {"", "l", "later"}:
                say(f'"{line}" is not one of: m, t, b, d, l')
                continue
            break
    return verdicts


def _verdict(step: Step, act: Act) -> Verdict:
    return Verdict(act, step.our_content, step.their_content)
