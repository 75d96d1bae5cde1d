"""Takes each safety line out of a copy of the code, and requires a test that goes red.

    python -m tests.campaigns.mutants            all of them
    python -m tests.campaigns.mutants --only "the nonce of the head"

Only the tests that are named with a line are run, so that it is known which one holds it.
"""

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Mutant(NamedTuple):
    """A safety line, and what is left without it.

    Attributes:
        name: What the line is for.
        file: Below `cas_sync/`.
        old: A text that occurs once in it.
        new: What takes its place.
        tests: What has to go red.
    """

    name: str
    file: str
    old: str
    new: str
    tests: str


GC = "tests/e2e/test_gc.py"
FSCK = "tests/e2e/test_fsck.py"
MUTANTS = (
    Mutant(
        "the nonce of the head",
        "engine/publish.py",
        "        nonce=surroundings.entropy(16).hex(),",
        "",
        "tests/unit/test_safety.py",
    ),
    Mutant(
        "the nonce of a head that upkeep moves",
        "engine/upkeep.py",
        "        nonce=surroundings.entropy(16).hex(),",
        "",
        "tests/unit/test_safety.py",
    ),
    Mutant(
        "no second try of the head's request",
        "store/s3_client.py",
        '"total_max_attempts": 1 if kind is Kind.ONCE else TRIES',
        '"total_max_attempts": TRIES',
        "tests/unit/store/test_s3_client.py tests/integration/test_s3_faults.py",
    ),
    Mutant(
        "a creation is conditional",
        "store/s3.py",
        '        what = {**at, "Body": data, "IfNoneMatch": "*"}',
        '        what = {**at, "Body": data}',
        "tests/integration/test_store_contract.py -k s3",
    ),
    Mutant(
        "the move of the head is conditional",
        "store/s3.py",
        '{"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}',
        "{}",
        "tests/integration/test_store_contract.py -k s3",
    ),
    Mutant(
        "a folder compares before it replaces",
        "store/folder.py",
        "            if (None if current is None else _etag_of(current)) != expected:",
        "            if False:",
        "tests/integration/test_store_contract.py -k folder",
    ),
    Mutant(
        "a refused move is asked about",
        "store/head.py",
        "            elif is_ours(now.head):",
        "            elif False:",
        "tests/unit/store/test_head.py",
    ),
    Mutant(
        "an unchanged head is asked again",
        "store/head.py",
        "            elif now.etag != expected:",
        "            else:",
        "tests/unit/store/test_head.py",
    ),
    Mutant(
        "a head of another repository is not ours",
        "store/head.py",
        "            elif now.head.repo_id != new.repo_id:",
        "            elif False:",
        "tests/unit/store/test_head.py",
    ),
    Mutant(
        "an unclear answer stays unclear",
        "store/head.py",
        "            if not unclear:",
        "            if True:",
        "tests/unit/store/test_head.py tests/e2e/test_lost_answers.py",
    ),
    Mutant(
        "all of the history is asked for a commit",
        "store/history.py",
        "        if oid in head.recent:",
        "        if oid == head.commit:",
        "tests/unit/store/test_history.py tests/unit/store/test_head.py",
    ),
    Mutant(
        "the epoch",
        "engine/sync.py",
        "if contents is None or side.head.head.gc_epoch != head.head.gc_epoch:",
        "if contents is None:",
        GC,
    ),
    Mutant(
        "the intent is written before the head moves",
        "engine/sync.py",
        "        session.state.write_intent(intent_of(oid, commit.seq, plan))\n",
        "",
        "tests/e2e/test_crashes.py tests/e2e/test_lost_answers.py",
    ),
    Mutant(
        "a rollback is noticed",
        "engine/sync.py",
        "        refuse_rollback(repo, head, base.agreed)\n",
        "",
        "tests/e2e/test_guards.py tests/e2e/test_reset.py tests/e2e/test_races.py",
    ),
    Mutant(
        "an older history is a rollback",
        "engine/repository.py",
        "    if repo.commits.holds(head.head, agreed.commit, agreed.seq):",
        "    if True:",
        "tests/e2e/test_guards.py tests/e2e/test_reset.py",
    ),
    Mutant(
        "a closed head stops everybody",
        "engine/repository.py",
        "    if head is not None and head.head.state is HeadState.CLOSED:",
        "    if False:",
        "tests/e2e/test_reset.py",
    ),
    Mutant(
        "the hash of a chunk",
        "store/objects.py",
        "            if kind is not Kind.FILE and blake3(unpacked).digest() != oid:",
        "            if False:",
        "tests/unit/store/test_objects.py",
    ),
    Mutant(
        "the hash of a whole file",
        "worktree/staging.py",
        "        if self._size != self.content.size or digest != self.content.id:",
        "        if self._size != self.content.size:",
        "tests/unit/worktree/test_staging.py tests/unit/worktree/test_writer.py",
    ),
    Mutant(
        "the hash of a file that is streamed",
        "store/objects.py",
        "        if whole.digest() != content.id:",
        "        if False:",
        "tests/unit/test_safety.py",
    ),
    Mutant(
        "the checksum of an index",
        "formats/index.py",
        "        if blake3(view[:-DIGEST_BYTES]).digest() != view[-DIGEST_BYTES:]:",
        "        if False:",
        "tests/unit/test_safety.py",
    ),
    Mutant(
        "the name of an index",
        "store/index.py",
        '        if name is None and str(ObjectId.of(data)) != root.name.partition("_")[0]:',
        "        if False:",
        "tests/unit/store/test_index.py",
    ),
    Mutant(
        "the id of a page",
        "formats/pages.py",
        "    if ObjectId.of(data) != ref.id:",
        "    if False:",
        "tests/unit/formats tests/unit/store/test_manifest.py",
    ),
    Mutant(
        "the id of a commit",
        "formats/documents.py",
        "    if ObjectId.of(data) != oid:",
        "    if False:",
        "tests/unit/formats/test_documents.py",
    ),
    Mutant(
        "the head's own hash",
        "formats/strict_json.py",
        "    if ObjectId.of(canonical(value)) != claimed:",
        "    if False:",
        "tests/unit/formats",
    ),
    Mutant(
        "unknown fields are refused",
        "formats/strict_json.py",
        "        if self._left:",
        "        if False:",
        "tests/unit/formats",
    ),
    Mutant(
        "the row that counts the rows",
        "formats/pages.py",
        "    if end != expected:",
        "    if False:",
        "tests/unit/formats",
    ),
    Mutant(
        "rows are in order",
        "formats/rows.py",
        '        if key <= last or (key.startswith(last) and key[len(last)] == "\\0"):',
        "        if False:",
        "tests/unit/formats",
    ),
    Mutant(
        "no file lies below a file",
        "formats/rows.py",
        '        if key <= last or (key.startswith(last) and key[len(last)] == "\\0"):',
        "        if key <= last:",
        "tests/unit/formats tests/e2e/test_hostile.py",
    ),
    Mutant(
        "unpacking is bounded",
        "formats/codec.py",
        "            if raw > MAX_RAW or zstandard.frame_content_size(stored) != raw:",
        "            if False:",
        "tests/unit/formats",
    ),
    Mutant(
        "no path leads out",
        "model/paths.py",
        '    if name in {"", ".", ".."}:',
        "    if False:",
        "tests/unit/model",
    ),
    Mutant(
        "no path looks like .S3",
        "model/paths.py",
        '    if ("3" in name or not name.isascii()) and _is_state_dir(name):',
        "    if False:",
        "tests/unit/model",
    ),
    Mutant(
        "no folder on the way is a link",
        "worktree/folder.py",
        "                child = os.open(name, _DIR_FLAGS, dir_fd=fd)",
        "                child = os.open(name, os.O_RDONLY, dir_fd=fd)",
        "tests/unit/worktree/test_folder.py tests/unit/worktree/test_writer.py",
    ),
    Mutant(
        "no file that is read is a link",
        "worktree/folder.py",
        '_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)',
        "_NOFOLLOW = 0",
        "tests/unit/worktree/test_folder.py tests/unit/worktree/test_reader.py",
    ),
    Mutant(
        "links stay inside",
        "worktree/staging.py",
        "        if not link_stays_inside(self.path, target):",
        "        if False:",
        "tests/unit/worktree",
    ),
    Mutant(
        "a new file replaces none",
        "worktree/renames.py",
        '"renameat2", 1, 2, -100',
        '"renameat2", 0, 2, -100',
        "tests/unit/worktree/test_folder.py tests/unit/worktree/test_writer.py",
    ),
    Mutant(
        "downloads reach the disk before their names",
        "worktree/writer.py",
        "        if self._fsync and can_sync_at_once():\n            with translated(TMP_DIR):",
        "        if False:\n            with translated(TMP_DIR):",
        "tests/unit/worktree/test_writer.py tests/unit/test_safety.py",
    ),
    Mutant(
        "the base reaches the disk",
        "worktree/sealed.py",
        "            if fsync:\n                os.fsync(self._file.fileno())",
        "            pass",
        "tests/unit/worktree/test_sealed.py tests/unit/test_safety.py",
    ),
    Mutant(
        "an object in a folder reaches the disk",
        "store/folder.py",
        "                os.fsync(file.fileno())",
        "                pass",
        "tests/unit/store/test_folder.py tests/unit/test_safety.py",
    ),
    Mutant(
        "a file of the same tick is read again",
        "worktree/scan.py",
        "    if found.st_ctime_ns >= now_ns - tick:\n        return True\n",
        "",
        "tests/unit/test_safety.py",
    ),
    Mutant(
        "a file that changed while it was read",
        "worktree/hashing.py",
        "if found.size == after.st_size and _same(before, after):",
        "if True:",
        "tests/unit/worktree",
    ),
    Mutant(
        "an empty folder deletes nothing",
        "plan/guards.py",
        "    if survey.n_ours == 0 and survey.acts[Act.DELETE_THERE]:",
        "    if False:",
        "tests/e2e/test_guards.py tests/unit/plan",
    ),
    Mutant(
        "many deletions are asked about",
        "plan/guards.py",
        "    if gone >= too_many:",
        "    if False:",
        "tests/e2e/test_guards.py tests/unit/plan",
    ),
    Mutant(
        "each try to begin is of a repository of its own",
        "engine/repository.py",
        "        for n in range(TRIES):\n            # Each",
        "        identity, entropy = entropy(16).hex(), lambda n: bytes.fromhex(identity)\n"
        "        for n in range(TRIES):\n            # Each",
        "tests/e2e/test_beginning.py",
    ),
    Mutant(
        "a stray format.json gives way to the repository that is",
        "engine/repository.py",
        "                if documents.load_format(there.data).repo_id == self.repo_id:\n",
        "                if documents.load_format(there.data).repo_id:\n",
        "tests/e2e/test_beginning.py",
    ),
    Mutant(
        "format.json gives way only while the head is the expected one",
        "engine/repository.py",
        "                refuse_reset(read_head(self.bucket), self.repo_id, self.bucket.url)\n",
        "",
        "tests/e2e/test_beginning.py",
    ),
    Mutant(
        "a reset looks again before it removes what the next one uses",
        "engine/reset.py",
        "    _refuse_next(connection, report)\n    bucket.delete([FORMAT])",
        "    bucket.delete([FORMAT])",
        "tests/e2e/test_reset.py",
    ),
    Mutant(
        "many files that are emptied stop a sync",
        "plan/guards.py",
        "    if blank + gone >= too_many:",
        "    if False:",
        "tests/unit/plan/test_guards.py",
    ),
    Mutant(
        "a reset asks whether all is here",
        "engine/reset.py",
        "            if not intact:",
        "            if False:",
        "tests/e2e/test_reset.py",
    ),
    Mutant(
        "a reset removes the head last",
        "engine/reset.py",
        "    stays |= {HEAD, FORMAT}\n",
        "    stays |= {FORMAT}\n",
        "tests/e2e/test_reset.py tests/unit/test_safety.py",
    ),
    Mutant(
        "a reset knows its repository",
        "engine/reset.py",
        "        if known_repo is not None and found is not None and found != known_repo:",
        "        if False:",
        "tests/e2e/test_reset.py",
    ),
    Mutant(
        "a tag reads the head again",
        "engine/tags.py",
        "    if now is not None and now.head.gc_epoch != past.head.gc_epoch:",
        "    if False:",
        f"{GC} tests/e2e/test_tags.py",
    ),
    Mutant(
        "what is condemned leaves the index",
        "engine/gc.py",
        "without_packs(found.index, gone, found.reached.marks)",
        "without_packs(found.index, (), found.reached.marks)",
        GC,
    ),
    Mutant(
        "the epoch moves with a collection",
        "engine/gc.py",
        "            head.gc_epoch + 1,\n",
        "            head.gc_epoch,\n",
        GC,
    ),
    Mutant(
        "tags are listed again",
        "engine/gc.py",
        "            if not record.keeps(each.seq, each.id) and self._kept_before",
        "            if False and self._kept_before",
        GC,
    ),
    Mutant(
        "a proposal is not acted upon",
        "engine/gc_look.py",
        "    if record.is_confirmed:\n        return record",
        "    return record",
        GC,
    ),
    Mutant(
        "the grace",
        "engine/gc.py",
        "    return since is not None and since <= until",
        "    return True",
        GC,
    ),
    Mutant(
        "a collection stops at what it cannot read",
        "engine/reach.py",
        "        if oid not in self._tolerated:\n            raise missing(oid)",
        "        return",
        f"{GC} tests/unit/test_safety.py",
    ),
    Mutant(
        "a collection notices a rollback",
        "engine/gc.py",
        "            refuse_rollback(repo, head, agreed)\n",
        "",
        GC,
    ),
    Mutant(
        "a collection notices commits after the head",
        "engine/gc_look.py",
        "    if latest := max(ours, default=0):",
        "    if (latest := max(ours, default=0)) < 0:",
        GC,
    ),
    Mutant(
        "only what may be collected is ever condemned",
        "formats/upkeep.py",
        "    if not is_collectable(key) or not STORED.fullmatch(since):",
        "    if not STORED.fullmatch(since):",
        "tests/unit/formats/test_upkeep.py",
    ),
    Mutant(
        "lists that nothing needs leave the index",
        "formats/index_merge.py",
        "number not in out and (mark != 0 or kind == Kind.CHUNK)",
        "number not in out",
        f"tests/unit/test_safety.py {GC}",
    ),
    Mutant(
        "a repair believes no file unread",
        "engine/mending.py",
        "    return pour(place, content, take) and whole.digest() == content.id",
        "    return True",
        f"tests/unit/test_safety.py {FSCK}",
    ),
    Mutant(
        "a repair writes only what belongs there",
        "store/manifest.py",
        'return whole if str(ObjectId.of(whole)) == name.partition("_")[0] else None',
        "return whole",
        f"tests/unit/test_safety.py {FSCK}",
    ),
    Mutant(
        "what a repair replaces has not changed meanwhile",
        "engine/fsck.py",
        "repo.bucket.put_if(key, data, None if there is None else there.etag)",
        "repo.bucket.put_new(key, data)",
        FSCK,
    ),
    Mutant(
        "a configuration is whole or not there",
        "engine/settings.py",
        "            os.fsync(file.fileno())\n        try:\n            os.link(scratch, path)",
        "        try:\n            path.write_bytes(data)",
        "tests/unit/engine/test_settings.py",
    ),
)


def applies(mutant: Mutant) -> bool:
    """Say whether the line is there, once."""
    return (ROOT / "cas_sync" / mutant.file).read_text().count(mutant.old) == 1


def is_killed(mutant: Mutant, timeout_s: float = 600) -> bool:
    """Take a line out of a copy of the project; say whether a test goes red."""
    with TemporaryDirectory(prefix="mutant-") as place:
        copy = Path(place)
        for name in ("cas_sync", "tests"):
            shutil.copytree(
                ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "pyproject.toml", copy)
        target = copy / "cas_sync" / mutant.file
        target.write_text(target.read_text().replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        env = {**os.environ, "PYTHONPATH": str(copy)}
        try:
            done = subprocess.run(
                [*command, *_split(mutant.tests)],
                cwd=copy,
                env=env,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return True
        # Red is 1; anything else above 0 means that the tests could not be run.
        if done.returncode not in {0, 1, 2}:
            raise AssertionError(f"{mutant.name}: {done.stdout.decode()[-500:]}")
        return done.returncode != 0


def _split(tests: str) -> list[str]:
    """Return arguments for pytest; a server is started only where one is meant."""
    return tests.split() if "s3" in tests else [*tests.split(), "-m", "not s3"]


def main() -> int:
    """Run the job; return 1 where a mutant lives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a part of a name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    chosen = [each for each in MUTANTS if args.only is None or args.only in each.name]
    if args.list:
        print("\n".join(each.name for each in chosen))
        return 0
    gone = [each.name for each in chosen if not applies(each)]
    if gone:
        print("lines that are not there any more:", *gone, sep="\n  ")
        return 1
    lived = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for mutant, killed in zip(chosen, pool.map(is_killed, chosen), strict=True):
            print(f"{'killed' if killed else 'LIVES '}  {mutant.name}", flush=True)
            if not killed:
                lived.append(mutant.name)
    print(f"{len(chosen)} mutants, {len(chosen) - len(lived)} killed")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
