"""How many uploads go side by side: more while that is faster, never more than allowed."""

from cas_sync.store.upload_window import UploadWindow


def run(window, seconds_at, n=200):
    """Let ``n`` uploads of a byte end, each ``seconds_at`` the limit after the one before."""
    now, limits = 0.0, []
    for _ in range(n):
        now += seconds_at(window.limit)
        window.finished(1, now)
        limits.append(window.limit)
    return limits


def test_where_one_more_is_faster_there_is_one_more_up_to_the_most():
    limits = run(UploadWindow(4, 8), lambda limit: 1 / limit)

    assert limits[0] == 4
    assert limits == sorted(limits)
    assert limits[-1] == 8


def test_where_one_more_is_no_faster_it_is_taken_back_for_good():
    limits = run(UploadWindow(4, 8), lambda limit: 1.0)

    assert max(limits) == 5
    assert limits[-1] == 4
    assert sorted(set(limits)) == [4, 5]


def test_it_grows_to_where_the_line_is_full():
    limits = run(UploadWindow(2, 8), lambda limit: 1 / min(limit, 5))

    assert limits[-1] == 5


def test_a_clock_that_stands_still_teaches_nothing():
    assert set(run(UploadWindow(4, 8), lambda limit: 0.0)) == {4}


def test_one_upload_is_always_allowed():
    assert run(UploadWindow(1, 1), lambda limit: 1.0)[-1] == 1
