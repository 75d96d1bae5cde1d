"""What the command line promises: help, exit codes, words, JSON, questions."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cas_sync import errors
from cas_sync.cli import exit_codes
from cas_sync.cli.main import COMMANDS
from cas_sync.errors import CasSyncError
from tests.support.people import Person, tree
from tests.support.weed import free_ports

HEAVY = ("boto3", "botocore", "rich", "zstandard", "pathspec", "blake3", "pyfastcdc")


def outcome(*args: str, env=None, cwd=None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cas_sync", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=env,
        cwd=cwd,
    )


def with_changes(folder) -> Person:
    ana = folder.person("ana")
    ana.write("a.txt", "1")
    ana.sync()
    ana.write("a.txt", "22")
    ana.write("b.txt", "1")
    return ana


# -- help ---------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_every_command_explains_itself(command, flag):
    said = outcome(*([command] if command else []), flag)

    assert said.returncode == 0
    assert said.stderr == ""
    assert "Usage:" in said.stdout
    assert "-h, --help" in said.stdout
    if command is None:
        assert all(f"  {name} " in said.stdout for name in COMMANDS)
        assert all(
            f"{code:>3}  {text}" in said.stdout for code, text in exit_codes.MEANINGS.items()
        )
    else:
        assert "-C DIR" in said.stdout
        assert "--json" in said.stdout


def test_help_starts_without_the_heavy_libraries():
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cas_sync", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    imported = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "click" in imported
    assert {name.partition(".")[0] for name in imported}.isdisjoint(HEAVY)


def test_a_folder_store_never_loads_the_aws_library(folder):
    ana = with_changes(folder)

    code = (
        "import sys; from cas_sync.cli.main import group\n"
        f"group.main(['sync', '-y', '-C', {str(ana.project)!r}], standalone_mode=False)\n"
        "print([name for name in ('boto3', 'botocore', 'rich') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], env=ana.env, capture_output=True, text=True, check=True
    )

    assert said.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told():
    said = outcome("--version")

    assert said.stdout.startswith("cas-sync ")


def test_alone_it_tells_how_to_begin(tmp_path):
    said = outcome(cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)})

    assert (said.returncode, said.stderr) == (0, "")
    assert len(said.stdout.splitlines()) <= 12
    assert "cas-sync init" in said.stdout
    assert "cas-sync --help" in said.stdout
    assert os.listdir(tmp_path) == []


def test_alone_in_a_project_it_tells_how_things_are_and_asks_nobody(folder):
    ana = with_changes(folder)
    Path(folder.url).rename(folder.root / "away")

    here = outcome(cwd=ana.project, env=ana.env)
    elsewhere = outcome("-C", str(ana.project), env=ana.env)

    assert here.stdout == elsewhere.stdout
    assert (here.returncode, here.stderr) == (0, "")
    assert "You: 2 changed.  Team: not asked." in here.stdout
    assert here.stdout.count("\n  cas-sync ") == 3


def test_alone_where_there_is_no_project_it_loads_nothing_heavy(tmp_path):
    script = (
        "import sys; from cas_sync.cli.main import main; sys.argv = ['cas-sync']\n"
        "try: main()\n"
        f"finally: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "[]\n")


# -- usage --------------------------------------------------------------------------


def test_an_unknown_command_is_refused_with_the_nearest(folder):
    said = outcome("snyc")

    assert said.returncode == 2
    assert "Did you mean sync?" in said.stderr


def test_an_unknown_command_is_refused():
    said = outcome("frobnicate")

    assert said.returncode == 2
    assert "frobnicate" in said.stderr


def test_an_unknown_option_is_an_error_event_with_json(folder):
    ana = with_changes(folder)

    said = ana.run("sync", "--frobnicate", "--json", exit=2)

    assert said.last["event"] == "error"
    assert (said.last["code"], said.last["exit"]) == ("E001", 2)


def test_push_only_and_pull_only_exclude_each_other(folder):
    ana = with_changes(folder)

    said = ana.run("sync", "--push-only", "--pull-only", exit=2)

    assert "exclude each other" in said.stderr
    assert len(ana.log()) == 1


def test_a_path_outside_the_data_folder_is_refused(folder):
    ana = with_changes(folder)

    said = ana.run("sync", "-y", "../elsewhere", exit=2)

    assert "../elsewhere" in said.stderr


def test_without_a_terminal_changes_to_confirm_end_the_sync(folder):
    ana = with_changes(folder)
    before = tree(ana.data)

    said = ana.process("sync", exit=2)

    assert "error[E002]: " in said.stderr
    assert "2 changes to confirm" in said.stderr
    assert "--yes" in said.stderr
    assert "nothing was changed" in said.stderr
    assert "a.txt" in said.stderr
    assert said.stdout == ""
    assert tree(ana.data) == before
    assert len(ana.log()) == 1
    assert ana.run("sync", "--json", exit=2).last["code"] == "E002"


def test_without_changes_no_terminal_is_needed(folder):
    ana = with_changes(folder)
    ana.sync()

    said = ana.process("sync")

    assert said.stdout.startswith("Already in sync with ")


# -- configuration ------------------------------------------------------------------


def test_no_configuration_is_told_with_what_to_type(tmp_path, folder):
    ana = folder.person("ana")

    said = ana.process("sync", exit=5)

    assert "error[E203]" in said.stderr
    assert "cas-sync sync --store" in said.stderr


def test_a_broken_configuration_is_told_with_its_place(folder):
    ana = folder.person("ana")
    (ana.project / "cas-sync.json").write_text('{\n  "store": "x"\n  "data": "Data"\n}\n')

    said = ana.run("sync", "-y", exit=5)

    assert "cas-sync.json is not valid JSON, line 3, column 3" in said.stderr
    assert '"data": "Data"' in said.stderr


@pytest.mark.parametrize(
    "text",
    ["[]", '{"store": 3}', '{"jobs": 0}', '{"ignore": "x"}', '{"writers": "two"}', "\xff"],
)
def test_a_configuration_of_the_wrong_kind_is_refused(folder, text):
    ana = folder.person("ana")
    (ana.project / "cas-sync.json").write_text(text, encoding="latin-1")

    assert ana.run("sync", "-y", "--json", exit=5).last["code"].startswith("E20")


def test_a_mistyped_key_is_told(folder):
    ana = with_changes(folder)
    ana.configure(ingore=["x"])

    said = ana.run("sync", "-y")

    assert 'did you mean "ignore"?' in said.stderr


@pytest.mark.parametrize("data", ["..", "../store", "../.."])
def test_a_data_folder_that_holds_the_project_or_the_store_is_refused(folder, data):
    ana = folder.person("ana")

    said = ana.run("sync", "-y", "--store", "../store", "--data", data, exit=5)

    assert "E204" in said.stderr
    assert not (ana.project / "cas-sync.json").exists()


def test_an_address_of_no_known_kind_is_refused(folder):
    ana = folder.person("ana")

    for url in ("ftp://x/y", "https://x/y", "s3://", "file://host/x"):
        said = ana.run("sync", "-y", "--json", "--store", url, exit=5)
        assert said.last["code"].startswith("E")
        (ana.project / "cas-sync.json").unlink(missing_ok=True)


def test_a_clone_into_a_project_is_refused(folder):
    ana = with_changes(folder)

    said = ana.run("clone", folder.url, str(ana.project), exit=5)

    assert "E204" in said.stderr


def test_init_writes_the_configuration_and_tests_the_store(place):
    ana = place.person("ana")

    said = ana.run("init", "--store", place.url, "--json")

    assert said.answer["new"] is True
    assert said.answer["config"] == str((ana.project / "cas-sync.json").resolve())
    again = ana.run("init", "--json")
    assert again.answer["new"] is False
    assert again.answer["repo_id"] == said.answer["repo_id"]


# -- errors -------------------------------------------------------------------------


def every_error(kind=CasSyncError):
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


@pytest.mark.parametrize("kind", [*every_error()], ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_of_its_own(kind):
    code = exit_codes.exit_code(kind("x"))

    assert code in exit_codes.MEANINGS
    assert code != 0
    assert (code == 1) is (kind is CasSyncError)
    assert kind.code.startswith("E")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.AccessError, 4),
        (errors.ConfigError, 5),
        (errors.UnsafeStoreError, 5),
        (errors.UnavailableError, 6),
        (errors.OutcomeUnknownError, 6),
        (errors.RaceLostError, 7),
        (errors.GuardError, 8),
        (errors.RepositoryResetError, 8),
        (errors.DamageError, 9),
        (errors.FormatError, 9),
    ],
)
def test_the_exit_codes_are_the_promised_ones(kind, code):
    assert exit_codes.exit_code(kind("x")) == code


def test_an_error_says_what_why_and_what_to_do(folder):
    ana = with_changes(folder)
    for path in list(tree(ana.data)):
        ana.delete(path)

    said = ana.run("sync", "-y", exit=8)
    as_json = ana.run("sync", "-y", "--json", exit=8)

    lines = said.stderr.splitlines()
    assert lines[0].startswith("error[E205]: ")
    assert [line.split()[0] for line in lines[1:] if line[2] != " "] == [
        "cause",
        "fix",
        "state",
    ]
    assert as_json.last.keys() >= {"schema", "event", "code", "exit", "message", "cause", "fix"}
    assert (as_json.last["schema"], as_json.last["event"]) == (1, "error")
    assert as_json.last["exit"] == 8


def test_with_json_standard_output_is_json_and_nothing_else(folder):
    ana = with_changes(folder)
    os.mkfifo(ana.data / "pipe")

    for args in (
        ("sync", "--json", "-n"),
        ("sync", "--json"),
        ("sync", "--json", "-y"),
        ("sync", "--json", "-y", "-v"),
        ("status", "--json"),
        ("log", "--json", "--stat"),
        ("reset", "--json"),
        ("reset", "--json", "--confirm"),
    ):
        said = ana.run(*args, exit=None)
        assert all(event["schema"] == 1 for event in said.events), said
        assert said.events
        if args[0] in ("status", "log"):
            assert len(said.events) == 1
            assert said.last["command"] == args[0]
        else:
            assert said.last["event"] in {"summary", "error"}
            assert said.last["exit"] == said.exit


def test_the_summary_holds_what_scripts_rely_on(folder):
    ana = with_changes(folder)

    summary = ana.sync()

    assert summary.keys() >= {
        "commit", "seq", "uploaded", "downloaded", "deleted_remote", "deleted_local",
        "conflicts", "skipped", "bytes_up", "bytes_down", "requests", "seconds", "exit",
    }  # fmt: skip
    assert summary["commit"] == ana.log()[0]["id"]
    assert (summary["uploaded"], summary["seq"], summary["exit"]) == (2, 2, 0)
    assert ana.log()[0]["time"].endswith("Z")


def test_quiet_says_nothing_where_all_is_well(folder):
    ana = with_changes(folder)

    said = ana.run("sync", "-y", "-q")

    assert (said.stdout, said.stderr) == ("", "")


def test_output_that_nobody_reads_is_no_error(folder):
    ana = with_changes(folder)
    read, write = os.pipe()
    os.close(read)

    with subprocess.Popen(
        [sys.executable, "-m", "cas_sync", "sync", "-y"],
        cwd=ana.project, env=ana.env, stdin=subprocess.DEVNULL, stdout=write,
        stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        os.close(write)
        _, err = running.communicate()

    assert "Traceback" not in err
    assert len(ana.log()) == 2


# -- stores -------------------------------------------------------------------------


@pytest.mark.s3
def test_a_store_that_ignores_conditions_is_refused(tmp_path, rclone_server):
    env = rclone_server.environment()
    ana = Person(tmp_path / "ana", "ana", "s3://team-data/refused", env)
    ana.write("x", "x")

    said = ana.run("sync", "-y", "--store", ana.store, exit=5)

    assert "E115" in said.stderr
    assert "If-None-Match is ignored" in said.stderr
    assert "--single-writer" in said.stderr
    client = rclone_server.client()
    try:
        listed = client.list_objects_v2(Bucket="team-data", Prefix="refused/")
        left = [item["Key"] for item in listed.get("Contents", [])]
    finally:
        client.close()
    assert [key for key in left if "/tmp/probe-" not in key] == []


@pytest.mark.s3
def test_a_single_writer_may_use_such_a_store(tmp_path, rclone_server):
    env = rclone_server.environment()
    ana = Person(tmp_path / "ana", "ana", "s3://team-data/alone", env)
    ana.write("x", "x")

    ana.run("sync", "-y", "--store", ana.store, "--single-writer")
    ana.write("x", "xx")
    ana.sync()

    assert [each["seq"] for each in ana.log()] == [2, 1]


@pytest.mark.s3
@pytest.mark.parametrize(
    "wrong",
    [{"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, {"AWS_ACCESS_KEY_ID": "nobody"}],
)
def test_wrong_keys_are_told(s3, wrong):
    ana = s3.person("ana", **wrong)
    ana.write("x", "x")

    said = ana.run("sync", "-y", "--json", "--store", s3.url, exit=4)

    assert said.last["code"] in {"E105", "E106"}
    assert ana.extra["AWS_SECRET_ACCESS_KEY"] not in str(said)


@pytest.mark.s3
def test_no_credentials_are_told(s3):
    ana = s3.person("ana")
    del ana.extra["AWS_ACCESS_KEY_ID"], ana.extra["AWS_SECRET_ACCESS_KEY"]

    said = ana.run("sync", "-y", "--json", "--store", s3.url, exit=4)

    assert said.last["code"] == "E101"


@pytest.mark.s3
def test_a_bucket_that_does_not_exist_is_told(s3):
    ana = s3.person("ana")

    said = ana.run("sync", "-y", "--json", "--store", "s3://no-such-bucket/p", exit=5)

    assert said.last["code"] == "E107"


@pytest.mark.s3
def test_a_server_that_does_not_answer_is_told(s3):
    (port,) = free_ports(1)
    ana = s3.person("ana", AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    ana.write("x", "x")

    said = ana.run("sync", "-y", "--json", "--store", s3.url, exit=6)

    assert said.last["code"] == "E110"
    assert said.last["retryable"] is True
    assert ana.read("x") == b"x"


@pytest.mark.s3
def test_no_output_and_no_file_holds_the_secret_key(s3):
    secret = s3.env["AWS_SECRET_ACCESS_KEY"]
    ana = s3.person("ana")
    ana.write("x", "x")

    said = [
        ana.run("sync", "-y", "-v", "--store", s3.url),
        ana.run("log", "--json"),
        ana.run("sync", "-y", "--endpoint-url", "http://127.0.0.1:9", exit=6),
    ]

    assert all(secret not in str(each) for each in said)
    for folder, _, files in os.walk(ana.home):
        for name in files:
            assert secret.encode() not in Path(folder, name).read_bytes()


# -- questions ----------------------------------------------------------------------


def test_in_a_ci_job_nobody_is_asked(folder):
    ana = with_changes(folder)
    ana.extra["CI"] = "true"

    said = ana.process("sync", exit=2)

    assert "E002" in said.stderr


@pytest.mark.s3
def test_an_interrupt_ends_a_sync_at_once_and_the_next_goes_on(through, proxy):
    ana = through.person("ana")
    ana.write("x", "x")
    ana.sync()
    ana.write("y", "y" * 100_000)
    pid = []

    def interrupt(request):
        if pid and request.method == "PUT" and "/packs/" in request.path:
            os.kill(pid.pop(), signal.SIGINT)

    proxy.rules.append(interrupt)
    with ana.start("sync", "-y") as running:
        pid.append(running.pid)
        _, err = running.communicate()

    assert running.returncode == 130, err
    assert "Safe to run again" in err
    assert "Traceback" not in err
    assert ana.sync()["exit"] == 0
    assert next(each["seq"] for each in ana.log()) == 2
    assert json.dumps(ana.leftovers()) == "[]"


def test_a_folder_can_be_named_before_or_after_the_command(folder):
    ana = with_changes(folder)
    inside = ana.project / "sub"
    inside.mkdir()

    before = ana.process("-C", str(ana.project), "status", "--json")
    after = ana.process("status", "-C", str(inside), "--json")

    assert before.answer == after.answer
    assert before.answer["local"]["modified"] == ["a.txt"]


def test_the_project_itself_is_no_data_folder(folder):
    ana = folder.person("ana")

    said = ana.process("sync", "-y", "--store", folder.url, "--data", ".", exit=5)

    assert "error[E204]" in said.stderr
    assert not (ana.project / "cas-sync.json").exists()
