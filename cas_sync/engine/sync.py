"""The whole sync, in one direction: read, decide, ask, publish, materialize, record.

The only way back: the head moved, so theirs is read again and the plan made again. The
folder is not scanned twice, and no chunk is uploaded twice. docs/design.md, section 3.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from cas_sync.engine.adopt import offer_adoption, settle_interrupted
from cas_sync.engine.ahead import Ahead, uploader_for
from cas_sync.engine.apply import (
    catch_up,
    materialize,
    note_declined,
    record,
    write_index,
)
from cas_sync.engine.asking import Asker, Question, read_stored, read_text
from cas_sync.engine.coming_rules import coming_rules
from cas_sync.engine.contents import Contents
from cas_sync.engine.heal import heal
from cas_sync.engine.intent import intent_of, read_interrupted
from cas_sync.engine.named import matches_for, refuse_missing
from cas_sync.engine.only import remembering, without_unwanted
from cas_sync.engine.publish import REMOVING, Author, author_of, move_head, write_commit
from cas_sync.engine.repository import (
    NO_ETAG,
    Connection,
    Repository,
    empty_head,
    refuse_rollback,
)
from cas_sync.engine.scanned import Scanned, clean_tag
from cas_sync.engine.seed_folder import put_seed_files_aside, unedited_since_seed
from cas_sync.engine.session import Plan, Session, Wanted
from cas_sync.engine.settings import Settings
from cas_sync.engine.surroundings import Surroundings
from cas_sync.engine.sync_report import SyncOptions, SyncReport
from cas_sync.engine.target import as_of, refuse_edits, without_missing
from cas_sync.engine.trees import Trees, trees_with
from cas_sync.errors import (
    CasSyncError,
    ConfigError,
    GuardError,
    RaceLostError,
)
from cas_sync.model.ids import ObjectId
from cas_sync.model.paths import RepoPath
from cas_sync.model.tree import Entry
from cas_sync.plan.guards import suspect
from cas_sync.plan.step import Act, OnConflict
from cas_sync.plan.survey import Survey
from cas_sync.plan.sync_plan import Rules
from cas_sync.progress import Progress
from cas_sync.store.head import HeadRead, Lost
from cas_sync.store.packs import PackUploader
from cas_sync.worktree.base import BaseTree
from cas_sync.worktree.recover import recover
from cas_sync.worktree.trouble import translated

RACES = 200
"""How often a sync makes its plan again because others were faster."""


class _Side(NamedTuple):
    """Their side at one moment."""

    head: HeadRead
    trees: Trees


def run_sync(
    settings: Settings,
    surroundings: Surroundings,
    options: SyncOptions,
    asker: Asker,
    progress: Progress,
) -> SyncReport:
    """Make the folder and the shared prefix the same.

    Args:
        settings: The configuration in force.
        surroundings: Time, randomness and names.
        options: What is asked for.
        asker: Is shown what the plan comes to; says what of it is to be done.
        progress: Is told what happens.

    Raises:
        CasSyncError: It could not be done; what was done so far is safe, and another
            sync goes on from there.
    """
    wanted = Wanted(options.paths, options.only, options.exclude)
    with (
        Session(
            settings, surroundings, progress, wanted, creates=not options.dry_run
        ) as session,
        remembering(session, dry_run=options.dry_run),
    ):
        run = _Run(session, options, asker)
        try:
            with translated(str(settings.data)):
                return run.run()
        except CasSyncError as error:
            error.state = run.state_by_now(error)
            raise
        finally:
            run.measure()


class _Run:
    """One sync; a class because its steps share what was seen."""

    def __init__(self, session: Session, options: SyncOptions, asker: Asker) -> None:
        self.session = session
        self.options = options
        self.asker = asker
        self.report = SyncReport()
        self.progress = session.progress
        self.connection: Connection | None = None
        self.matches = matches_for(session)
        self.ahead: Ahead | None = None
        self.is_writing = False

    def measure(self) -> None:
        """Note what was sent and received."""
        if self.connection is not None:
            sent = self.connection.traffic()
            self.report.bytes_up, self.report.bytes_down = sent.bytes_up, sent.bytes_down
            self.report.requests = sent.requests

    def run(self) -> SyncReport:
        session, report = self.session, self.report
        session.start_reading_head()
        for each in recover(session.folder):
            if each.kept:
                self.progress.note(
                    f"Found after an interrupted sync: {each.path} -> {each.kept}"
                )
        self.progress.phase("Scan", 0, 0)
        base = session.base()
        if self._publishes and self.asker.agrees:
            self.ahead = Ahead(session, base, adopts=self._adopts)
        ours = session.scan(publishes=self._publishes, taker=self.ahead)
        self.connection, head = session.head()
        report.skipped.update((each.name, each.reason) for each in ours.report.skipped)
        report.ignored, report.ignored_names = ours.report.n_ignored, ours.report.ignored
        is_bare = self.ahead is not None and self.ahead.is_bare
        if self._adopts and not is_bare and (head is None or head.head.commit is None):
            offer = offer_adoption(
                session, self.connection, head, self.options, self.asker, self.author, ours
            )
            report.foreign, report.adopted, head = offer.foreign, offer.report, offer.head
            if not offer.goes_on:
                report.refused = not self.options.dry_run
                return report
        if head is None and self.options.joins:
            raise ConfigError(
                f"there is no repository at {self.connection.bucket.url}",
                cause="nobody has synced with it yet, or the address is another",
                fix="check the address; to begin one:  cas-sync sync --store URL",
                code="E210",
            )
        if head is None:
            # Nothing is begun in the store before there is something to publish.
            head = HeadRead(empty_head("", ""), NO_ETAG)
        repo = self.connection.repository(head.head.repo_id)
        refuse_rollback(repo, head, base.agreed)
        settle_interrupted(session, repo, head)
        if self._publishes and head.etag != NO_ETAG:
            head = heal(session, repo, head, ours)
        before = read_interrupted(session, repo, head)
        target = self.options.target
        if target is not None:
            latest = head.head.seq
            head = as_of(repo, head, target, session.surroundings.clock.now())
            report.behind = latest - head.head.seq
        if before is None and self._is_same(base, ours, head):
            report.commit, report.seq = head.head.commit, head.head.seq
            if ours.changes_path is not None:
                tag = clean_tag(head.head.repo_id, head.head.commit, session.scope)
                write_index(session, ours, tuple, tag, head.head.repo_id)
            return report
        settled = unedited_since_seed(session, repo, base, ours, head)
        if before is not None and before.reached is not None:
            base = catch_up(session, repo, base, ours, before.reached)
        base = without_unwanted(session, base, ours)
        if self._is_exact:
            base = without_missing(session, base, ours)
        settled.update(before.settled if before else {})
        return self._sync(repo, base, ours, head, settled)

    @property
    def _publishes(self) -> bool:
        """Whether what is new here is published, unless somebody says no."""
        options = self.options
        return options.push and options.target is None and not options.dry_run

    @property
    def _adopts(self) -> bool:
        """Whether what others left in a store without commits is offered to be adopted."""
        return self.options.adopts and self.options.target is None

    @property
    def _is_exact(self) -> bool:
        """Whether the folder has to be exactly as the version asked for."""
        return self.options.target is not None and self.options.target.lock is not None

    @cached_property
    def author(self) -> Author:
        """Who commits, and why."""
        session = self.session
        return author_of(session.settings, session.surroundings, self.options.message)

    def _remember_root(self, repo_id: str) -> None:
        state, url = self.session.state, self.session.settings.address.url
        root = state.read_root()
        if root is None or state.identity_changed():
            state.write_root(self.session.surroundings.entropy(16).hex(), repo_id, url)
        elif root.store_url != url:
            state.write_root(root.client_id, repo_id, url)

    def _is_same(self, base: BaseTree, ours: Scanned, head: HeadRead) -> bool:
        seen = ours.report
        if seen.n_changed or seen.n_gone or ours.problems or base.agreed is None:
            return False
        now, scope = head.head, self.session.scope
        if self.matches is not None:
            return False  # only a whole plan tells
        if scope.goes_beyond or base.agreed.commit != now.commit:
            return False
        return ours.index.tag == clean_tag(now.repo_id, now.commit, scope)

    def _sync(
        self,
        repo: Repository,
        base: BaseTree,
        ours: Scanned,
        head: HeadRead,
        settled: dict[RepoPath, ObjectId],
    ) -> SyncReport:
        session, options, report = self.session, self.options, self.report
        author = self.author
        rules = Rules(
            ignores=session.scope.leaves_out,
            covers=session.scope.covers,
            author=author.name,
            push=options.push and options.target is None,
            pull=options.pull,
            deletes=options.deletes,
            on_conflict=options.on_conflict,
            settled=settled,
            declined=session.declined,
            reconsider=options.reconsider or bool(options.paths) or self._is_exact,
            is_past=options.target is not None,
        )
        plan, head = self._publish(base, ours, head, rules, author)
        if session.kept is not None:
            session.kept.close()  # its memory is for what comes now
        repo = self._connected().repository(head.head.repo_id)
        report.survey = plan.survey
        report.commit, report.seq = head.head.commit, head.head.seq
        report.conflicts = list(plan.survey.conflicts)
        report.skipped.update({str(p): why for p, why in plan.survey.skipped.items()})
        report.warnings = plan.survey.warnings
        report.declined = plan.survey.acts[Act.DECLINED]
        report.unseen = plan.survey.acts[Act.UNSEEN]
        stopped = report.refused or options.dry_run or head.etag == NO_ETAG
        if head.etag == NO_ETAG and not (report.refused or options.dry_run):
            note_declined(session, plan)
        if stopped or (report.conflicts and options.on_conflict is OnConflict.FAIL):
            return report
        put_seed_files_aside(session)
        self._remember_root(head.head.repo_id)
        if plan.survey.n_materialize and not report.published and head.head.commit:
            intent = intent_of(head.head.commit, head.head.seq, plan)
            session.state.write_intent({**intent, "published": False})
        self.is_writing = True
        done = materialize(session, repo, plan, ours, head.head)
        report.downloaded, report.deleted_local = done.n_downloaded, done.n_deleted
        report.kept, report.local = done.kept, done.n_local
        report.skipped.update({str(p): why for p, why in done.failed.items()})
        record(session, plan, base, ours, head.head, author.name, done)
        if done.damage is not None:
            raise done.damage
        return report

    def state_by_now(self, error: CasSyncError) -> str:
        """Return what to say was left, once "nothing was changed" may be untrue."""
        report, said = self.report, []
        if error.state != CasSyncError.default_state:
            return error.state
        if report.adopted is not None:
            said.append(f"the old files are adopted at {str(report.adopted.commit)[:8]}")
        if report.published:
            said.append(f"your changes are published at {str(report.commit)[:8]}")
        if self.is_writing:
            said.append("every file is whole; the next sync goes on with the rest")
        elif said:
            said.append("nothing else was changed")
        return "; ".join(said) or error.state

    def _trees(self, repo: Repository, head: HeadRead, base: BaseTree, ours: Scanned) -> Trees:
        """Return what the plan is made from; all of it where paths were named."""
        trees = trees_with(repo, head, base, ours, self.session.scope)
        return trees if self.matches is None else trees.whole

    # -- publish --------------------------------------------------------------------

    def _publish(
        self,
        base: BaseTree,
        ours: Scanned,
        head: HeadRead,
        rules: Rules,
        author: Author,
    ) -> tuple[Plan, HeadRead]:
        """Publish what is ours; return the plan that was carried out and the new head."""
        session, options = self.session, self.options
        surroundings = session.surroundings
        repo = self._connected().repository(head.head.repo_id)
        side = _Side(head, self._trees(repo, head, base, ours))
        contents: Contents | None = None
        asked = False
        shown: Callable[[], Iterator[Entry]] | None = None
        for race in range(RACES):
            coming = coming_rules(session.settings, repo, side.head.head, base, ours)
            rules = replace(rules, withholds=coming)
            plan = session.plan(side.trees, rules, self.matches)
            if self.matches is not None:
                refuse_missing(session, self.matches, base, ours, side.trees.theirs())
                self.matches = None
            self._guard(plan, ours, side.head)
            if options.dry_run:
                self.asker.show(self._question(plan, repo, side.head))
                return plan, side.head
            if plan.survey.conflicts and options.on_conflict is OnConflict.FAIL:
                return plan, side.head
            if not asked and _is_worth_asking(plan.survey):
                asked = True
                answer = self.asker.apply(self._question(plan, repo, side.head))
                if not answer.go:
                    self.report.refused = True
                    return plan, side.head
                shown = side.trees.whole.theirs if answer.binds else None
                if answer.takes is not None or answer.verdicts:
                    rules = replace(rules, answer=answer)
                    continue
            if not plan.survey.n_publish:
                return plan, side.head
            if side.head.etag == NO_ETAG:
                head = self._connected().begin(self.progress.note)
                repo = self._connected().repository(head.head.repo_id)
                side = _Side(head, self._trees(repo, head, base, ours))
                if head.head.commit is not None:
                    # Whoever began meanwhile published: the plan is made again.
                    rules = replace(rules, asked=shown)
                    continue
            if contents is None or side.head.head.gc_epoch != head.head.gc_epoch:
                # Garbage was condemned since: what we uploaded or relied on may be gone.
                head = side.head
                contents = self._contents(repo, head, plan.survey)
            survey = plan.survey
            self.progress.phase("Upload", survey.n_publish, survey.bytes_up)
            contents.store(plan.steps(), plan.rows())
            if contents.failed.keys() - rules.refused.keys():
                rules = replace(rules, refused={**rules.refused, **contents.failed})
                continue
            outcome = self._commit(repo, side.head, plan, contents.uploader, author)
            if isinstance(outcome, Lost):
                side = _Side(outcome.now, self._trees(repo, outcome.now, base, ours))
                rules = replace(rules, asked=shown)
                surroundings.clock.sleep(surroundings.jitter() * min(1.0, 0.02 * 2**race))
                continue
            self._count_published(plan)
            return plan, outcome
        raise RaceLostError(
            f"teammates published {RACES} times while this sync tried to",
            fix="cas-sync sync   (what was uploaded is not sent again)",
        )

    def _question(self, plan: Plan, repo: Repository, head: HeadRead) -> Question:
        folder = self.session.folder
        has_history = head.etag != NO_ETAG
        return Question(
            plan.survey,
            plan.steps,
            repo.bucket.url,
            read_ours=lambda step, most: read_text(folder, step, most),
            read_stored=lambda content, most: (
                read_stored(repo, head.head, content, most) if has_history else None
            ),
        )

    def _commit(
        self,
        repo: Repository,
        head: HeadRead,
        plan: Plan,
        uploader: PackUploader,
        author: Author,
    ) -> HeadRead | Lost:
        """Write the commit that the plan makes of ``head``, and move the head to it.

        Raises:
            RepositoryResetError: The repository was reset meanwhile.
            OutcomeUnknownError: The store gave no definite answer.
        """
        session, surroundings = self.session, self.session.surroundings
        self.progress.phase("Commit", 0, 0)
        new, oid, commit = write_commit(
            repo,
            head.head,
            plan.steps,
            plan.steps_of(*REMOVING),
            plan.survey.copies,
            uploader,
            author,
            surroundings,
        )
        session.state.write_intent(intent_of(oid, commit.seq, plan))
        outcome = move_head(repo, head, new, oid, surroundings)
        return outcome if isinstance(outcome, Lost) else HeadRead(new, head.etag)

    def _connected(self) -> Connection:
        if self.connection is None:
            raise AssertionError
        return self.connection

    def _contents(self, repo: Repository, head: HeadRead, survey: Survey) -> Contents:
        session, params = self.session, repo.chunk_params(head.head)
        if session.kept is not None:
            session.kept.finish()
        uploader = None if self.ahead is None else self.ahead.give(head)
        if uploader is None:
            n_objects = survey.n_publish + survey.bytes_up // params.avg_size
            uploader = uploader_for(repo, head.head, n_objects, session.surroundings)
        return Contents(repo, session.folder, uploader, params, self.progress, session.kept)

    def _guard(self, plan: Plan, ours: Scanned, head: HeadRead) -> None:
        if self._is_exact:
            refuse_edits(plan, f"{str(head.head.commit)[:8]} (#{head.head.seq})")
        # Whoever names a version means it, and publishes nothing.
        if self.options.allow_mass_delete or self.options.target is not None:
            return
        limits = self.session.settings.limits
        why = suspect(plan.survey, ours.rewrites, limits)
        if why is not None:
            raise GuardError(why.message, cause=why.cause, fix=why.fix, code=why.code)

    def _count_published(self, plan: Plan) -> None:
        acts, report = plan.survey.acts, self.report
        report.published = True
        report.uploaded = (
            acts[Act.UPLOAD]
            + acts[Act.TAKE_OURS]
            + acts[Act.KEEP_BOTH]
            + acts[Act.SET_OURS_ASIDE]
        )
        report.deleted_remote = acts[Act.DELETE_THERE]


def _is_worth_asking(survey: Survey) -> bool:
    return bool(survey.n_publish or survey.n_materialize or survey.conflicts)
