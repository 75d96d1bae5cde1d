"""The protocol's model holds, and each weakened one does not: a search of bounded length.

`python -m tests.model --full` searches on.
"""

import pytest

from tests.model.__main__ import sound, weakened
from tests.model.search import search

SOUND, WEAKENED = sound(), weakened()


@pytest.mark.parametrize("name", SOUND)
def test_the_protocol_holds(name):
    found = search(SOUND[name], 20_000)
    assert not found.wrong, found.trace
    assert found.is_all or found.states == 20_000


@pytest.mark.parametrize("name", WEAKENED)
def test_without_one_of_its_lines_it_does_not(name):
    found = search(WEAKENED[name], 400_000)
    assert found.wrong
    assert len(found.trace) <= 14
