"""`.S3/intent.json`: what a sync is about to do, and what the next one makes of it.

It names the commit the folder is being brought to and the conflicts that commit settled, so
that a sync which was killed, or never heard what became of its commit, asks nothing twice.
"""

from typing import NamedTuple

from cas_sync.engine.repository import Repository
from cas_sync.engine.session import Plan, Session
from cas_sync.model.commit import Head
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.plan.step import Act
from cas_sync.store.head import HeadRead

_SETTLING = {Act.KEEP_BOTH, Act.TAKE_THEIRS}
"""Acts that leave our file at its path until the folder is brought to the plan."""


class Reached(NamedTuple):
    """The commit that a killed sync was bringing the folder to.

    Attributes:
        commit: Its id.
        seq: Its number.
        is_ours: Whether that sync had made it.
    """

    commit: ObjectId
    seq: int
    is_ours: bool


class Interrupted(NamedTuple):
    """What an earlier sync left undone.

    Attributes:
        settled: Our content at paths whose conflict it had settled.
        reached: The commit the folder was being brought to; `None` if that is not in the
            store.
    """

    settled: dict[RepoPath, ObjectId]
    reached: Reached | None


def read_interrupted(session: Session, repo: Repository, head: HeadRead) -> Interrupted | None:
    """Tell what became of a sync that did not come to its end; `None` if all did."""
    intent = session.state.read_intent()
    if intent is None:
        return None
    try:
        oid, seq = ObjectId.parse(str(intent["commit"])), int(str(intent["seq"]))
        settled = _settled_in(intent["settled"])
        # Settled by a commit before that one, which is known to have arrived.
        known = _settled_in(intent.get("known", {}))
    except (KeyError, ValueError, TypeError):
        return Interrupted({}, None)
    is_there = repo.commits.holds(head.head, oid, seq)
    is_ours = bool(intent.get("published", True))
    if is_ours:
        became = "had reached" if is_there else "did not reach"
        session.progress.note(
            f"Commit {str(oid)[:8]} of the interrupted sync {became} the store."
        )
    if not is_there:
        return Interrupted(known, None)
    return Interrupted({**known, **settled}, Reached(oid, seq, is_ours))


def intent_of(oid: ObjectId, seq: int, plan: Plan) -> dict[str, object]:
    """Return what the next sync must know should this one not learn the commit's fate."""
    settled = {
        step.path: str(step.ours.content.id)
        for step in plan.steps_of(*_SETTLING)
        if step.ours and step.ours.content
    }
    known = {path: str(content) for path, content in plan.rules.settled.items()}
    return {"commit": str(oid), "seq": seq, "settled": settled, "known": known}


def _settled_in(found: object) -> dict[RepoPath, ObjectId]:
    if not isinstance(found, dict):
        raise TypeError
    return {RepoPath(path): ObjectId.parse(str(oid)) for path, oid in found.items()}


def left_settled(plan: Plan) -> dict[RepoPath, str]:
    """Return what an interrupted sync had settled at paths that this one was not about."""
    settled = plan.rules.settled
    return {
        step.path: str(settled[step.path])
        for step in (plan.steps() if settled else ())
        if step.path in settled and step.act in {Act.LEAVE, Act.UNSEEN, Act.SKIP}
    }


def note_settled(session: Session, left: dict[RepoPath, str], head: Head) -> None:
    """Forget what an interrupted sync had settled, but for what is ``left``."""
    if left and head.commit is not None:
        intent = {"commit": str(head.commit), "seq": head.seq, "settled": {}, "known": left}
        session.state.write_intent({**intent, "published": False})
    else:
        session.state.clear_intent()
