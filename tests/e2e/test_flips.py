"""A changed bit or a cut anywhere in a store is noticed, and never written: a sample.

`python -m tests.campaigns.flips` tries every bit and every length.
"""

from tests.campaigns.flips import run


def test_a_store_that_is_spoilt_is_noticed(tmp_path):
    met, unnoticed = run(tmp_path, clone_every=20, share=0.01, seed=5)
    assert not unnoticed
    assert met["read"] > 100
    assert met["checked"] > 100
    assert met["clones"] > 10
