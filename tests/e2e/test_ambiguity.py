"""Whatever becomes of the answers, what is told about a commit is true: a sample.

`python -m tests.campaigns.ambiguity` makes 2,000 moves, `tests.campaigns.races` real races.
"""

import pytest

from tests.campaigns.ambiguity import run
from tests.campaigns.races import race


@pytest.mark.s3
def test_what_is_told_of_moves_with_lost_answers_is_true(tmp_path, s3_server):
    told = run(tmp_path, s3_server, 60, seed=11)
    assert told.won
    assert len(told.won) + len(told.lost) + len(told.unknown) == 60
    assert sum(told.faults.values()) - told.faults["passed on"] > 5


def test_racing_processes_make_one_chain(tmp_path):
    assert race(tmp_path, str(tmp_path / "store"), {}, 4, 4).commits == 17
