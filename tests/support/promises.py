"""What was promised, kept outside of every tree, and whether it holds."""

from dataclasses import dataclass, field

from tests.support.people import Person, tree


@dataclass
class Ledger:
    """Every content that anybody ever wrote, kept outside of their folders."""

    written: set[bytes] = field(default_factory=set)

    def write(self, person: Person, path: str, data: bytes) -> None:
        """Write a file and remember its bytes for ever."""
        self.written.add(data)
        person.write(path, data)

    def forget_unpublished(self, person: Person, path: str) -> None:
        """Note that a person is about to change a file: only history may have it then."""
        with person.repository() as stored:
            if (data := person.read(path)) not in stored.all_contents():
                self.written.discard(data)

    def insist(self, people: list[Person]) -> None:
        """Insist that every content is in a tree, in history, or in `.S3/deleted`."""
        left = set(self.written)
        for each in people:
            left -= {data for data, _ in tree(each.data).values()} | each.kept()
        if left:
            with people[0].repository() as stored:
                left -= stored.all_contents()
        assert not left, [data[:40] for data in left]


def everybody_finishes(ledger: Ledger, people: list[Person], *args: str) -> None:
    """Insist that plain syncs finish what was begun, and that nothing was lost."""
    for each in (*people, *people[:-1]):  # the last has seen what all others published
        each.sync(*args)
    assert all(tree(each.data) == tree(people[0].data) for each in people)
    ledger.insist(people)
    for each in people:
        summary = each.sync()
        assert (summary["published"], summary["downloaded"]) == (False, 0)
        assert each.leftovers() == []
    with people[0].repository() as stored:
        numbers = [commit.seq for _, commit in stored.repo.commits.walk(stored.head)]
        assert numbers == list(range(stored.head.seq, 0, -1))
        assert stored.head.files == len(stored.versions()) == len(people[0].paths())
