"""Laws of choosing from a list: nothing typed crashes, and later items win."""

from hypothesis import given
from hypothesis import strategies as st

from cas_sync.plan.select import Misread, Selection, parse_selection, spans

N = 9
NAMES = [f"f{n}.csv" for n in range(1, N + 1)]
numbers = st.integers(1, N)
items = st.one_of(
    numbers.map(lambda n: (str(n), {n})),
    st.tuples(numbers, numbers).map(
        lambda ab: (f"{min(ab)}-{max(ab)}", set(range(min(ab), max(ab) + 1)))
    ),
    numbers.map(lambda n: (f"{n}-", set(range(n, N + 1)))),
    st.sampled_from(["all", "a", "*", "y", "yes"]).map(lambda w: (w, set(range(1, N + 1)))),
)
signed = st.tuples(st.booleans(), items)
separators = st.sampled_from([",", " ", ", ", " , ", "\t", ",,"])


def taken(found: Selection) -> set[int]:
    return {n for n, name in enumerate(NAMES, start=1) if found.takes(n, name)}


@given(st.lists(signed), separators)
def test_a_choice_is_its_items_one_after_the_other(terms, separator):
    text = separator.join(("" if takes else "!") + word for takes, (word, _) in terms)
    expected = set(range(1, N + 1)) if terms and not terms[0][0] else set()
    for takes, (_, span) in terms:
        expected = expected | span if takes else expected - span

    found = parse_selection(text, N, NAMES)

    assert isinstance(found, Selection)
    assert taken(found) == expected


@given(st.text())
def test_nothing_that_is_typed_crashes(text):
    found = parse_selection(text, N, NAMES)

    if isinstance(found, Misread):
        assert "\n" not in found.message.replace(text, "")
        assert len(found.message) < 100
    else:
        assert taken(found) <= set(range(1, N + 1))


@given(st.text(alphabet='!,- \t*?[]/\\#"019anyol.', max_size=30))
def test_nothing_that_nearly_is_a_choice_crashes(text):
    test = parse_selection(text, N, NAMES)

    assert isinstance(test, Misread) or taken(test) <= set(range(1, N + 1))


@given(st.sets(numbers))
def test_what_is_echoed_means_the_same_again(chosen):
    found = parse_selection(spans(chosen), N)

    assert isinstance(found, Selection)
    assert taken(found) == chosen
